import { MessageChannel } from 'node:worker_threads';
import { describeThrown } from '@genie/core/errors';
import type { FromWorker, WorkerTransport } from './protocol.ts';
import { createThreadPool, type ThreadPool } from './thread-pool.ts';

/**
 * The engine in a thread of this process: cheaper to start than a process and without its isolation. Only an idle thread can be ended, because ending native work
 * aborts the whole process; so `kill` asks, and the thread goes when its work is done.
 */
export function threadTransport(): WorkerTransport {
  const { port1: ours, port2: theirs } = new MessageChannel();
  const exits: ((reason: string) => void)[] = [];
  let pool: Promise<ThreadPool> | undefined;
  let isGone = false;
  const gone = (reason: string) => {
    if (isGone) return;
    isGone = true;
    ours.close();
    // Its engine is closed: nothing native runs any more.
    void pool?.then((one) => one.close()).catch(() => undefined);
    for (const tell of exits) tell(reason);
  };
  ours.on('close', () => gone('closed'));
  pool = createThreadPool({ threads: 1, idleMs: Number.POSITIVE_INFINITY });
  pool
    .then((one) => one.run('serveModel', { port: theirs }, [theirs]))
    .catch((error: unknown) => gone(describeThrown(error)));
  return {
    pid: undefined,
    send: (message) => ours.postMessage(message),
    onMessage: (listener) => {
      ours.on('message', (message: FromWorker) => listener(message));
      // A listener refers the port; whether it keeps the process alive is said by `keepAlive`.
      ours.unref();
    },
    onExit: (listener) => exits.push(listener),
    keepAlive: (active) => (active ? ours.ref() : ours.unref()),
    kill: () => ours.postMessage({ type: 'close' }),
  };
}
