import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { PassThrough, type Readable } from 'node:stream';
import { promisify } from 'node:util';
import { containerFailed } from '../orchestrator/container-errors.ts';
import type { ContainerOutput, ContainerSession, ExecOptions } from '../orchestrator/orchestrator.ts';
import { containerMark, markedProcesses, sessionMark, signalMarked } from './marked-processes.ts';
import type { ProcessFolder } from './process-folder.ts';
import { baseEnvironment } from './start-process.ts';

/** script(1) opens a terminal without a native module; it is part of util-linux. */
export const terminalProgram = '/usr/bin/script';

export async function openLocalSession(
  folder: ProcessFolder,
  options: ExecOptions & { readonly specEnvironment: Readonly<Record<string, string>> },
): Promise<ContainerSession> {
  options.signal?.throwIfAborted();
  const mark = randomUUID();
  const [program, ...args] = options.terminal ? inTerminal(options.command, options.terminal) : options.command;
  const child = spawn(program, args, {
    cwd: options.workingDirectory ?? folder.home,
    env: {
      ...baseEnvironment(folder.home),
      ...options.specEnvironment,
      ...options.environment,
      ...(options.terminal ? { TERM: 'xterm-256color' } : {}),
      [containerMark]: folder.mark,
      [sessionMark]: mark,
    },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = new Promise<{ readonly exitCode: number | undefined }>((resolve) =>
    child.once('close', (code) => resolve({ exitCode: code ?? 137 })),
  );
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject)).catch(
    (error: unknown) => {
      throw containerFailed(`Starting a program in ${folder.name}`, error);
    },
  );
  child.stdin.on('error', () => undefined);
  const close = async (): Promise<void> => {
    signalMarked({
      name: sessionMark,
      value: mark,
      signal: 'SIGKILL',
      ...(child.exitCode === null && child.pid ? { group: child.pid } : {}),
    });
    child.stdin.destroy();
  };
  const onAbort = () => void close();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  return {
    output: mergeOutputs(child),
    ended: exited.finally(() => options.signal?.removeEventListener('abort', onAbort)),
    write: (data) => new Promise((resolve) => child.stdin.write(data, () => resolve())),
    end: () => void child.stdin.end(),
    resize: (columns, rows) => (options.terminal ? resizeTerminal(mark, columns, rows) : Promise.resolve()),
    close,
  };
}

function inTerminal(
  command: readonly string[],
  size: { readonly columns: number; readonly rows: number },
): [string, ...string[]] {
  const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const inside = `stty cols ${Math.trunc(size.columns)} rows ${Math.trunc(size.rows)}; exec ${quoted}`;
  return [terminalProgram, '--quiet', '--return', '--flush', '--command', inside, '/dev/null'];
}

/** Setting the size of its terminal from outside makes the kernel tell the programs in it. */
async function resizeTerminal(mark: string, columns: number, rows: number): Promise<void> {
  for (const pid of markedProcesses(sessionMark, mark)) {
    const terminal = terminalOf(pid);
    if (terminal === undefined) continue;
    const size = ['-F', terminal, 'cols', String(Math.trunc(columns)), 'rows', String(Math.trunc(rows))];
    await promisify(execFile)('stty', size).catch(() => undefined);
    return;
  }
}

function terminalOf(pid: number): string | undefined {
  try {
    const path = readlinkSync(`/proc/${pid}/fd/0`);
    return path.startsWith('/dev/pts/') ? path : undefined;
  } catch {
    return undefined;
  }
}

async function* mergeOutputs(child: ChildProcess): AsyncGenerator<ContainerOutput> {
  const merged = new PassThrough({ objectMode: true, highWaterMark: 16 });
  let open = 0;
  const join = (stream: ContainerOutput['stream'], source: Readable | null) => {
    if (!source) return;
    open += 1;
    source.on('data', (data: Buffer) => {
      if (merged.write({ stream, data })) return;
      source.pause();
      merged.once('drain', () => source.resume());
    });
    source.once('close', () => {
      open -= 1;
      if (open === 0) merged.end();
    });
  };
  join('stdout', child.stdout);
  join('stderr', child.stderr);
  yield* merged as AsyncIterable<ContainerOutput>;
}
