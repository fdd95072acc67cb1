import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { wrongState } from '../orchestrator/container-errors.ts';
import type { ContainerOutput, ContainerSession, ExecOptions } from '../orchestrator/orchestrator.ts';
import { environmentList } from './container-settings.ts';
import { statusOf } from './docker-call.ts';
import { asDuplex, type DockerContainer, type DockerExec } from './docker-client.ts';
import type { DockerDeps } from './docker-deps.ts';
import { readFrames, readTerminal } from './read-frames.ts';

interface Task {
  readonly name: string;
  readonly container: DockerContainer;
  readonly options: ExecOptions;
}

/** Docker cannot end what `exec` started, so everything that a session starts carries its mark and is found by it. */
const markName = 'genie_session';

export async function openSession(deps: DockerDeps, task: Task): Promise<ContainerSession> {
  const { name, container, options } = task;
  options.signal?.throwIfAborted();
  const mark = randomUUID();
  const hasTerminal = options.terminal !== undefined;
  const exec = await createExec(deps, task, { ...options.environment, [markName]: mark });
  const stream = asDuplex(
    await deps.call({ what: `Starting a program in ${name}`, name }, () =>
      exec.start({ hijack: true, stdin: true, Tty: hasTerminal }),
    ),
  );
  stream.on('error', () => undefined);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= killMarked(deps, container, mark).finally(() => stream.destroy());
    return closing;
  };
  const onAbort = () => void close().catch(() => undefined);
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const ended = waitForEnd(stream, exec).finally(() => options.signal?.removeEventListener('abort', onAbort));
  ended.catch(() => undefined);
  const resize = async (columns: number, rows: number) => {
    if (!hasTerminal) return;
    await deps
      .call({ what: `Resizing a terminal in ${name}` }, () => exec.resize({ w: columns, h: rows }))
      .catch(ignoreEnded);
  };
  if (options.terminal) await resize(options.terminal.columns, options.terminal.rows);
  return {
    output: untilDestroyed(hasTerminal ? readTerminal(stream) : readFrames(stream)),
    ended,
    write: (data) => write(stream, data),
    end: () => void stream.end(),
    resize,
    close,
  };
}

async function createExec(
  deps: DockerDeps,
  { name, container, options }: Task,
  environment: Readonly<Record<string, string>>,
): Promise<DockerExec> {
  const create = {
    Cmd: [...options.command],
    Env: environmentList(environment),
    ...(options.workingDirectory === undefined ? {} : { WorkingDir: options.workingDirectory }),
    Tty: options.terminal !== undefined,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  } as const;
  try {
    return await deps.call({ what: `Starting a program in ${name}`, name }, () => container.exec(create));
  } catch (error) {
    if (statusOf(error) === 409) throw wrongState(name, 'not running', 'running');
    throw error;
  }
}

/** A session that was closed just ends: the reader of its output is not at fault. */
async function* untilDestroyed(output: AsyncIterable<ContainerOutput>): AsyncGenerator<ContainerOutput> {
  try {
    yield* output;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code !== 'ERR_STREAM_PREMATURE_CLOSE' && code !== 'ECONNRESET') throw error;
  }
}

function write(stream: Duplex, data: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (stream.destroyed || stream.writableEnded) return resolve();
    stream.write(data, (error) => {
      const code = (error as { code?: unknown } | null | undefined)?.code;
      // The program may end without reading everything.
      if (!error || code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_DESTROYED') resolve();
      else reject(error);
    });
  });
}

async function waitForEnd(stream: Duplex, exec: DockerExec): Promise<{ readonly exitCode: number | undefined }> {
  await new Promise<void>((resolve) => {
    if (stream.closed || stream.readableEnded) return resolve();
    stream.once('end', resolve).once('close', resolve);
  });
  // The output closes a little before the daemon has noted the end.
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { Running, ExitCode } = await exec.inspect().catch(() => ({ Running: false, ExitCode: null }));
    if (!Running) return { exitCode: ExitCode ?? undefined };
    await sleep(20);
  }
  return { exitCode: undefined };
}

/** Until none is left: a program may start another one while it is looked for. */
const killScript = `for round in 1 2 3 4 5 6 7 8 9 10; do
  found=
  for folder in /proc/[0-9]*; do
    if grep -qzxF "$1" "$folder/environ" 2>/dev/null; then
      found=yes
      kill -KILL "\${folder#/proc/}" 2>/dev/null
    fi
  done
  [ -n "$found" ] || exit 0
done`;

async function killMarked(deps: DockerDeps, container: DockerContainer, mark: string): Promise<void> {
  const create = {
    Cmd: ['/bin/sh', '-c', killScript, 'kill', `${markName}=${mark}`],
    Env: [],
    Tty: false,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  } as const;
  try {
    const exec = await deps.call({ what: 'Ending a session' }, () => container.exec(create));
    const stream = asDuplex(
      await deps.call({ what: 'Ending a session' }, () => exec.start({ hijack: true, stdin: true, Tty: false })),
    );
    stream.on('error', () => undefined).resume();
    await waitForEnd(stream, exec);
    stream.destroy();
  } catch (error) {
    // A container that does not run any more has no session either; 404: it was removed, 409: it has ended or is paused.
    if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
  }
}

function ignoreEnded(error: unknown): void {
  if (statusOf(error) === undefined) throw error;
}
