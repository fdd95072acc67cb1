import { setTimeout as sleep } from 'node:timers/promises';
import { GenieError } from '@genie/core/errors';
import type { ContainerInfo, ContainerSpec, Orchestrator } from './orchestrator.ts';

export interface ContainerJob {
  readonly orchestrator: Orchestrator;
  /**
   * The container of one attempt, counted from 0, always of one name. A later attempt has to go on where the one before was cut off; when it is asked for,
   * that container is gone.
   */
  readonly spec: (attempt: number) => ContainerSpec | Promise<ContainerSpec>;
  /** Attempts after a kill. Default 20. */
  readonly maxAttempts?: number;
  /** Told of each container that was cut off. */
  readonly onCutOff?: (info: ContainerInfo, attempt: number) => void;
  readonly signal?: AbortSignal;
}

export interface JobOutcome {
  readonly exitCode: number;
  readonly attempts: number;
  /** What the last attempt printed. */
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * By signal, by the memory limit, or because the runtime went down: the program did not end by itself. 130 is how a genie ends that is asked to,
 * with a run that can be resumed.
 */
const cutOffCodes: ReadonlySet<number> = new Set([125, 130, 137, 143, 255]);

/**
 * Runs a program in a container to its own end. When the container is killed or vanishes, or the runtime restarts, another attempt goes on;
 * the volume stays. Rejects with `GENIE_CONTAINER_RESTARTS` when it is cut off too often, and with the codes of `Orchestrator`.
 */
export async function runContainerJob(job: ContainerJob): Promise<JobOutcome> {
  const { orchestrator, maxAttempts = 20, signal } = job;
  const { name } = await job.spec(0);
  let failures = 0;
  try {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      signal?.throwIfAborted();
      await whenReachable(() => orchestrator.destroy(name, { keepVolume: true }), signal);
      const ended = await runAttempt(job, await job.spec(attempt)).catch(async (error: unknown) => {
        failures += 1;
        if (failures >= triesAfter(error)) throw error;
        await sleep(reachPauseMs, undefined, signal ? { signal } : {});
        return undefined;
      });
      if (ended && !ended.info.outOfMemory && !cutOffCodes.has(ended.info.exitCode ?? 137))
        return { exitCode: ended.info.exitCode ?? 0, attempts: attempt + 1, ...ended.said };
      job.onCutOff?.(ended?.info ?? { name, id: '', state: 'volume-only', health: 'none', labels: {} }, attempt);
    }
  } finally {
    await orchestrator.destroy(name, { keepVolume: true }).catch(() => undefined);
  }
  throw new GenieError(
    'GENIE_CONTAINER_RESTARTS',
    `Container ${JSON.stringify(name)} was cut off ${maxAttempts} times. Look at its runtime, then run it again.`,
  );
}

/** A runtime that is being restarted is away for a while. */
async function whenReachable(work: () => Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (tries >= triesAfter(error)) throw error;
      await sleep(reachPauseMs, undefined, signal ? { signal } : {});
    }
  }
}

/** How often in all: a runtime that is away comes back, and trouble of its own may be its last word before it goes. */
function triesAfter(error: unknown): number {
  if (!GenieError.isInstance(error)) return 1;
  if (error.code === 'GENIE_CONTAINER_UNREACHABLE') return 120;
  return error.details?.isPassing === true ? 6 : 1;
}

const reachPauseMs = 500;

interface Ended {
  readonly info: ContainerInfo;
  readonly said: { readonly stdout: string; readonly stderr: string };
}

/** Undefined when the container vanished. */
async function runAttempt({ orchestrator, signal }: ContainerJob, spec: ContainerSpec): Promise<Ended | undefined> {
  try {
    await orchestrator.create(spec);
    await orchestrator.start(spec.name);
    const info = await waitForEnd(orchestrator, spec.name, signal);
    return info && { info, said: await readLog(orchestrator, spec.name) };
  } catch (error) {
    if (GenieError.isInstance(error) && vanished.has(error.code)) return undefined;
    throw error;
  }
}

const vanished: ReadonlySet<string> = new Set(['GENIE_CONTAINER_UNKNOWN', 'GENIE_CONTAINER_UNREACHABLE']);

async function waitForEnd(
  orchestrator: Orchestrator,
  name: string,
  signal: AbortSignal | undefined,
): Promise<ContainerInfo | undefined> {
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.5, 500)) {
    signal?.throwIfAborted();
    // A runtime that is being restarted answers again in a while.
    const info = await orchestrator.inspect(name).catch((error: unknown) => {
      if (GenieError.isInstance(error) && error.code === 'GENIE_CONTAINER_UNREACHABLE') return 'away' as const;
      throw error;
    });
    if (info === undefined || (info !== 'away' && info.state === 'volume-only')) return undefined;
    if (info !== 'away' && info.state === 'stopped') return info;
    await sleep(pauseMs);
  }
}

async function readLog(orchestrator: Orchestrator, name: string): Promise<Ended['said']> {
  const said = { stdout: '', stderr: '' };
  if (!orchestrator.capabilities.logs) return said;
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  for await (const { stream, data } of orchestrator.logs(name))
    said[stream] += decoders[stream].decode(data, { stream: true });
  return said;
}
