import { randomUUID } from 'node:crypto';
import { GenieError } from '@genie/core/errors';
import type { SandboxCommand, SandboxResult } from '@genie/core/ports';
import { asDuplex, type DockerContainer } from './docker-client.ts';
import { readFrames } from './read-frames.ts';
import type { SandboxDeps } from './sandbox-deps.ts';
import { sandboxSettings } from './sandbox-settings.ts';

type KilledBy = NonNullable<SandboxResult['killedBy']>;

/** One command from its container's making to its removal. */
export async function runSandboxed(
  deps: SandboxDeps,
  command: SandboxCommand,
  signal: AbortSignal,
): Promise<SandboxResult> {
  const startedAt = performance.now();
  const { client, call, options, place } = deps;
  const settings = sandboxSettings(command, {
    ...place,
    name: `${place.owner}-sandbox-${randomUUID()}`,
    workspace: options.workspace,
    egress: options.egress,
    readOnly: options.readOnly ?? [],
  });
  if (signal.aborted)
    return { exitCode: undefined, killedBy: 'abort', stdout: '', stderr: '', truncated: false, tookMs: 0 };
  let container: DockerContainer;
  try {
    container = await call({ what: 'Making a container for a command' }, () => client.createContainer(settings));
  } catch (error) {
    throw GenieError.isInstance(error)
      ? new GenieError(
          'GENIE_SANDBOX_UNAVAILABLE',
          `No sandbox for commands (${error.message}), so none is run: repair Docker.`,
          { cause: error },
        )
      : error;
  }
  try {
    const done = await runContainer({ deps, command, container, signal });
    return { ...done, tookMs: performance.now() - startedAt };
  } finally {
    deps.leave(container.remove({ force: true, v: true }));
  }
}

interface Task {
  readonly deps: SandboxDeps;
  readonly command: SandboxCommand;
  readonly container: DockerContainer;
  readonly signal: AbortSignal;
}

async function runContainer({ deps, command, container, signal }: Task): Promise<Omit<SandboxResult, 'tookMs'>> {
  const { call } = deps;
  const { timeoutMs } = command.limits;
  const attach = {
    stream: true,
    hijack: true,
    stdin: command.stdin !== undefined,
    stdout: true,
    stderr: true,
  } as const;
  const stream = asDuplex(await call({ what: 'Attaching to a command' }, () => container.attach(attach)));
  stream.on('error', () => undefined);
  const killing: { by?: KilledBy } = {};
  const kill = (by: KilledBy) => {
    if (killing.by) return;
    killing.by = by;
    // Its output goes on to be read until the container is gone, so that the pipe never blocks the kill.
    void container.kill().catch(() => undefined);
  };
  const onAbort = () => kill('abort');
  const timer = setTimeout(() => kill('timeout'), timeoutMs);
  try {
    await call({ what: 'Starting a command' }, () => container.start());
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    if (command.stdin !== undefined) stream.end(command.stdin);
    const output = await collect(stream, command.limits.maxOutputBytes, () => kill('output'));
    await call({ what: 'Waiting for a command', extraMs: timeoutMs }, () => container.wait());
    const { State } = await call({ what: 'Looking at a command' }, () => container.inspect());
    const killedBy =
      killing.by ??
      (State.OOMKilled ? 'memory' : State.ExitCode > 128 && State.ExitCode !== 255 ? 'signal' : undefined);
    return { exitCode: killing.by ? undefined : State.ExitCode, ...(killedBy ? { killedBy } : {}), ...output };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    stream.destroy();
  }
}

async function collect(
  stream: ReturnType<typeof asDuplex>,
  maxBytes: number,
  onFlood: () => void,
): Promise<Pick<SandboxResult, 'stdout' | 'stderr' | 'truncated'>> {
  const chunks: Record<'stdout' | 'stderr', Uint8Array[]> = { stdout: [], stderr: [] };
  let left = maxBytes;
  let truncated = false;
  try {
    for await (const { stream: name, data } of readFrames(stream)) {
      const kept = data.subarray(0, left);
      left -= kept.length;
      // A copy: the frame is a view of a larger buffer that would stay in memory with it.
      if (kept.length > 0) chunks[name].push(Uint8Array.from(kept));
      if (kept.length < data.length && !truncated) {
        truncated = true;
        onFlood();
      }
    }
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code !== 'ERR_STREAM_PREMATURE_CLOSE' && code !== 'ECONNRESET') throw error;
  }
  const text = (name: 'stdout' | 'stderr') => Buffer.concat(chunks[name]).toString('utf8').slice(0, maxBytes);
  return { stdout: text('stdout'), stderr: text('stderr'), truncated };
}
