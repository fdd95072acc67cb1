import { setTimeout as sleep } from 'node:timers/promises';
import { genieHome } from '../orchestrator/genie-home.ts';
import type { ContainerOutput, ContainerSession, ExecOptions } from '../orchestrator/orchestrator.ts';
import type { FlyClient } from './fly-client.ts';

interface ExecAnswer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exit_code?: number;
}

export interface FlyExec {
  readonly client: FlyClient;
  readonly machineId: string;
  readonly options: ExecOptions;
  readonly timeoutSeconds: number;
}

/**
 * The API runs a program to its end and then tells what it printed, so a session gathers its input, runs once the input ends, and has output
 * afterwards. Programs are carried as base64, and so is what they print: the API's fields hold text only.
 */
export function openFlySession(exec: FlyExec): ContainerSession {
  const { options } = exec;
  const input: Uint8Array[] = [];
  const stop = new AbortController();
  const started = Promise.withResolvers<void>();
  const mark = crypto.randomUUID();
  const abort = () => void close();
  options.signal?.addEventListener('abort', abort, { once: true });
  // A program whose input nobody ends or writes gets none after a moment.
  const running = (async () => {
    await Promise.race([started.promise, sleep(waitForInputMs, undefined, { ref: false })]);
    return runOnce(exec, Buffer.concat(input), mark, stop.signal);
  })().finally(() => options.signal?.removeEventListener('abort', abort));
  running.catch(() => undefined);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      let isDone = false;
      const done = running.then(
        () => (isDone = true),
        () => (isDone = true),
      );
      started.resolve();
      await Promise.race([done, sleep(0)]);
      if (!isDone) {
        stop.abort();
        await killMarked(exec, mark);
      }
    })();
    return closing;
  };
  return {
    output: outputOf(running),
    ended: running.then(
      ({ exitCode }) => ({ exitCode }),
      () => ({ exitCode: undefined }),
    ),
    async write(data) {
      input.push(typeof data === 'string' ? new TextEncoder().encode(data) : Uint8Array.from(data));
    },
    end: () => started.resolve(),
    resize: async () => undefined,
    close,
  };
}

const waitForInputMs = 100;

interface Done {
  readonly exitCode: number | undefined;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** Runs the words given to it with its input, which comes as base64; prints both outputs as base64 and the exit code. */
const carrier = `folder=$1; shift
dir=$(mktemp -d /tmp/genie.XXXXXX) && cd "$folder" || exit 125
base64 -d > "$dir/in"
"$@" < "$dir/in" > "$dir/out" 2> "$dir/err"
code=$?
base64 "$dir/out" | tr -d '\\n'; echo; base64 "$dir/err" | tr -d '\\n'; echo; echo $code
rm -rf "$dir"`;

async function runOnce(exec: FlyExec, input: Uint8Array, mark: string, signal: AbortSignal): Promise<Done> {
  const { options } = exec;
  const environment = Object.entries({ ...options.environment, genie_session: mark }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const words = ['/usr/bin/env', ...environment, ...options.command];
  const command = ['/bin/sh', '-c', carrier, 'carrier', options.workingDirectory ?? genieHome, ...words];
  const stdin = Buffer.from(input).toString('base64');
  const [stdout = '', stderr = '', code = ''] = (await ask(exec, command, { stdin, signal })).split('\n');
  return {
    stdout: Buffer.from(stdout, 'base64'),
    stderr: Buffer.from(stderr, 'base64'),
    exitCode: code === '' ? undefined : Number(code),
  };
}

/** Runs a command on the machine and gives what it printed. */
export async function ask(
  exec: Omit<FlyExec, 'options'>,
  command: readonly string[],
  { stdin = '', signal }: { readonly stdin?: string; readonly signal?: AbortSignal } = {},
): Promise<string> {
  const answer = await exec.client.call<ExecAnswer>({
    method: 'POST',
    path: `/machines/${exec.machineId}/exec`,
    body: { command, timeout: exec.timeoutSeconds, ...(stdin === '' ? {} : { stdin }) },
    extraMs: exec.timeoutSeconds * 1000,
    signal,
  });
  return answer.stdout ?? '';
}

const killScript = `for round in 1 2 3 4 5 6 7 8 9 10; do
  found=
  for folder in /proc/[0-9]*; do
    if grep -qzxF "$1" "$folder/environ" 2>/dev/null; then found=yes; kill -KILL "\${folder#/proc/}" 2>/dev/null; fi
  done
  [ -n "$found" ] || exit 0
done`;

async function killMarked(exec: FlyExec, mark: string): Promise<void> {
  await ask(exec, ['/bin/sh', '-c', killScript, 'kill', `genie_session=${mark}`]).catch(() => undefined);
}

async function* outputOf(running: Promise<Done>): AsyncGenerator<ContainerOutput> {
  const done = await running.catch(() => undefined);
  if (done && done.stdout.length > 0) yield { stream: 'stdout', data: done.stdout };
  if (done && done.stderr.length > 0) yield { stream: 'stderr', data: done.stderr };
}
