import { type ErrorRecord, GenieError, toErrorRecord } from '@genie/core/errors';
import { type Clock, systemClock } from '@genie/core/ports';
import { createIdleTimers, type IdleTimers } from './idle-timers.ts';
import type { ContainerInfo, ContainerSpec, ContainerState, Orchestrator } from './orchestrator.ts';
import { createTurns } from './turns.ts';

export interface ContainerManagerOptions {
  readonly orchestrator: Orchestrator;
  /** How the container of a genie is made when there is none. */
  readonly spec: (name: string) => ContainerSpec;
  /** Pauses what nobody used for so long. Default 60,000; undefined in an orchestrator that cannot pause. */
  readonly pauseAfterMs?: number;
  /** Stops what nobody used for so long. Default 900,000. */
  readonly stopAfterMs?: number;
  /** How often a container that was killed is started again within ten minutes. Default 10. */
  readonly maxRestarts?: number;
  readonly clock?: Clock;
  readonly onWarning?: (warning: ErrorRecord) => void;
}

export interface WokenContainer {
  readonly info: ContainerInfo;
  /** What it was before; `none` when it had to be made. */
  readonly from: ContainerState | 'none';
  readonly tookMs: number;
}

/** Makes, wakes, idles, revives and clears away the containers of genies. */
export interface ContainerManager {
  /** Running when it resolves, whatever it was before. It idles again when nobody uses it. */
  wake(name: string): Promise<WokenContainer>;
  /** Awake as long as the work lasts. */
  use<T>(name: string, work: (info: ContainerInfo) => Promise<T>): Promise<T>;
  /** Wakes it at a time (epoch ms). Returns what cancels it. For durable wakes, call `wake` from a scheduler. */
  wakeAt(name: string, at: number): () => void;
  /** Nobody wants it to run any more. */
  stop(name: string): Promise<void>;
  /** Removes container and volume. */
  destroy(name: string): Promise<boolean>;
  /** Removes everything that belongs to no known genie, e.g. what a killed manager left half made. Returns the names. */
  reap(isKnown: (name: string) => boolean): Promise<readonly string[]>;
  /** Starts again what should run and does not, e.g. after the runtime was restarted. Returns the names. */
  recover(): Promise<readonly string[]>;
  /** Follows the runtime until `close`: what is killed is started again, and so is everything after the runtime was away. */
  watch(): void;
  /** Containers go on. Idempotent. */
  close(): Promise<void>;
}

interface Wanted {
  readonly restarts: number[];
}

interface ManagerState {
  readonly options: ContainerManagerOptions;
  readonly orchestrator: Orchestrator;
  readonly clock: Clock;
  readonly turns: ReturnType<typeof createTurns>;
  readonly idle: IdleTimers;
  /** What should be running, woken by us. */
  readonly wanted: Map<string, Wanted>;
  readonly closing: AbortController;
}

/** A runtime that is away is asked again after this long, and at most after the second. */
const [firstPauseMs, longestPauseMs] = [100, 5_000];
const restartWindowMs = 600_000;

export function createContainerManager(options: ContainerManagerOptions): ContainerManager {
  const { orchestrator, clock = systemClock, stopAfterMs = 900_000 } = options;
  const turns = createTurns();
  const wanted = new Map<string, Wanted>();
  const warn = (error: unknown) => options.onWarning?.(toErrorRecord(error, 'GENIE_CONTAINER_FAILED'));
  const idle = createIdleTimers({
    clock,
    pauseAfterMs: orchestrator.capabilities.pause ? (options.pauseAfterMs ?? 60_000) : undefined,
    stopAfterMs,
    pause: (name) => void turns.take(name, () => pauseIdle(state, name)).catch(warn),
    stop: (name) => void turns.take(name, () => stopIdle(state, name)).catch(warn),
  });
  const state: ManagerState = { options, orchestrator, clock, turns, idle, wanted, closing: new AbortController() };
  let watching: Promise<void> | undefined;
  const wake = (name: string) => turns.take(name, () => wakeNow(state, name));
  return {
    wake,
    async use(name, work) {
      const release = idle.hold(name);
      try {
        return await work((await wake(name)).info);
      } finally {
        release();
      }
    },
    wakeAt: (name, at) => scheduleAt(clock, at, () => void wake(name).catch(warn)),
    stop: (name) =>
      turns.take(name, () => {
        forget(state, name);
        return orchestrator.stop(name);
      }),
    destroy: (name) =>
      turns.take(name, () => {
        forget(state, name);
        return orchestrator.destroy(name);
      }),
    reap: (isKnown) => reap(state, isKnown),
    recover: () => recover(state),
    watch() {
      watching ??= follow(state, warn);
    },
    async close() {
      state.closing.abort();
      idle.close();
      await watching;
    },
  };
}

async function wakeNow(state: ManagerState, name: string): Promise<WokenContainer> {
  const { orchestrator, options, clock, wanted, idle } = state;
  const startedAt = clock.elapsed();
  // Wanted from now on: what goes wrong from here is made good by `recover`.
  if (!wanted.has(name)) wanted.set(name, { restarts: [] });
  const before = await orchestrator.inspect(name);
  const from = before?.state ?? 'none';
  if (from === 'none' || from === 'volume-only') await createOnce(orchestrator, options.spec(name));
  if (from === 'paused') await orchestrator.unpause(name);
  else if (from !== 'running') await orchestrator.start(name);
  idle.touch(name);
  const info =
    before && (from === 'paused' || from === 'running')
      ? { ...before, state: 'running' as const }
      : await orchestrator.inspect(name);
  if (!info)
    throw new GenieError(
      'GENIE_CONTAINER_UNKNOWN',
      `Container ${JSON.stringify(name)} was removed while it was woken. Wake it again.`,
    );
  return { info, from, tookMs: clock.elapsed() - startedAt };
}

/** Another manager may be faster: then its container is the one. */
async function createOnce(orchestrator: Orchestrator, spec: ContainerSpec): Promise<void> {
  try {
    await orchestrator.create(spec);
  } catch (error) {
    if (!GenieError.isInstance(error) || error.code !== 'GENIE_CONTAINER_EXISTS') throw error;
  }
}

async function pauseIdle({ orchestrator, idle }: ManagerState, name: string): Promise<void> {
  if (idle.isHeld(name) || (await orchestrator.inspect(name))?.state !== 'running') return;
  await orchestrator.pause(name);
}

async function stopIdle(state: ManagerState, name: string): Promise<void> {
  if (state.idle.isHeld(name)) return;
  forget(state, name);
  await state.orchestrator.stop(name);
}

function forget({ wanted, idle }: ManagerState, name: string): void {
  wanted.delete(name);
  idle.forget(name);
}

async function reap(
  { orchestrator, turns, wanted }: ManagerState,
  isKnown: (name: string) => boolean,
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { name } of await orchestrator.list()) {
    if (isKnown(name) || wanted.has(name)) continue;
    if (await turns.take(name, () => orchestrator.destroy(name))) removed.push(name);
  }
  return removed;
}

async function recover(state: ManagerState): Promise<readonly string[]> {
  const revived: string[] = [];
  for (const name of [...state.wanted.keys()]) {
    if (await state.turns.take(name, () => revive(state, name))) revived.push(name);
  }
  return revived;
}

/** True when it had to be started. A program that ended well has done its work; one that ends badly too often is left alone. */
async function revive(state: ManagerState, name: string): Promise<boolean> {
  const { orchestrator, wanted, clock, options } = state;
  const want = wanted.get(name);
  const info = want && (await orchestrator.inspect(name));
  if (!want || info?.state === 'running' || info?.state === 'paused') return false;
  if (info?.state === 'stopped' && info.exitCode === 0) {
    forget(state, name);
    return false;
  }
  const now = clock.elapsed();
  want.restarts.splice(0, want.restarts.length, ...want.restarts.filter((at) => now - at < restartWindowMs), now);
  const { maxRestarts = 10 } = options;
  if (want.restarts.length > maxRestarts) {
    forget(state, name);
    throw new GenieError(
      'GENIE_CONTAINER_RESTARTS',
      `Container ${JSON.stringify(name)} ended badly ${maxRestarts + 1} times in ten minutes, at last with exit code ${info?.exitCode}. Look at its log, then wake it again.`,
    );
  }
  await wakeNow(state, name);
  return true;
}

async function follow(state: ManagerState, warn: (error: unknown) => void): Promise<void> {
  const { signal } = state.closing;
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    try {
      const events = state.orchestrator.events({ signal });
      await recover(state);
      pauseMs = firstPauseMs;
      for await (const { type, name } of events) {
        if (type === 'stopped' || type === 'destroyed')
          await state.turns.take(name, () => revive(state, name)).catch(warn);
      }
    } catch (error) {
      if (signal.aborted) return;
      warn(error);
      await pauseFor(state.clock, pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  }
}

function pauseFor(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.schedule(delayMs, done);
    function done() {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Looks at the wall clock again now and then, so that a sleep of the machine or a changed clock does not make it late. */
function scheduleAt(clock: Clock, at: number, wake: () => void): () => void {
  let cancel: () => void = () => undefined;
  const wait = () => {
    const leftMs = at - clock.now();
    if (leftMs <= 0) wake();
    else cancel = clock.schedule(Math.min(leftMs, 30_000), wait);
  };
  wait();
  return () => cancel();
}
