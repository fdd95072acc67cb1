import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Backend } from './backend.ts';
import type { FromWorker, ToWorker, WorkerPort, WorkerTransport } from './protocol.ts';
import { serveEngine } from './serve-engine.ts';

/**
 * A child process for each worker: a crash of native code takes only the worker, and SIGKILL always ends it. The default.
 */
export function childProcessTransport(): WorkerTransport {
  const child = fork(fileURLToPath(import.meta.resolve('@genie/inference/worker')), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Debugger ports and test runners' loaders are not for the worker; the condition that finds sources is.
    execArgv: process.execArgv.filter((argument) => /^(?:--conditions=|--disable-warning=|-C$)/.test(argument)),
  });
  let complaint = '';
  child.stderr?.on('data', (bytes) => {
    complaint = (complaint + String(bytes)).slice(-2_000);
  });
  return {
    pid: child.pid,
    send: (message) => {
      if (child.connected) child.send(message, () => undefined);
    },
    onMessage: (listener) => child.on('message', (message) => listener(message as FromWorker)),
    onExit: (listener) => {
      let told = false;
      const tell = (reason: string) => {
        if (!told) listener(reason);
        told = true;
      };
      child.once('error', (error) => tell(error.message));
      child.once('exit', (code, signal) =>
        tell(`${signal ?? `exit code ${code}`}${complaint === '' ? '' : `: ${complaint.trim().split('\n').at(-1)}`}`),
      );
    },
    keepAlive: (active) => {
      for (const one of [child, child.channel, child.stderr as { ref?(): void; unref?(): void } | null]) {
        if (active) one?.ref?.();
        else one?.unref?.();
      }
    },
    kill: () => child.kill('SIGKILL'),
  };
}

/**
 * The engine in this process: no isolation, for tests and small tools. `kill` waits until it is idle, because ending native work aborts the process. Engines may share
 * a `backend`, which outlives them.
 */
export function inProcessTransport(backend?: Promise<Backend>): WorkerTransport {
  const toWorker: ((message: ToWorker) => void)[] = [];
  const fromWorker: ((message: FromWorker) => void)[] = [];
  const exits: ((reason: string) => void)[] = [];
  const port: WorkerPort = {
    send: (message) => tellLater(fromWorker, message),
    onMessage: (listener) => toWorker.push(listener),
  };
  const done = serveEngine(port, backend);
  void done.then(() => tellLater(exits, 'closed'));
  const send = (message: ToWorker) => tellLater(toWorker, message);
  return {
    pid: undefined,
    send,
    onMessage: (listener) => fromWorker.push(listener),
    onExit: (listener) => exits.push(listener),
    keepAlive: () => undefined,
    kill: () => send({ type: 'close' }),
  };
}

/** As a real border would: the sender goes on before anybody hears it. */
function tellLater<Value>(listeners: readonly ((value: Value) => void)[], value: Value): void {
  queueMicrotask(() => {
    for (const listener of listeners) listener(value);
  });
}
