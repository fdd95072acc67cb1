import { fileURLToPath } from 'node:url';
import type { Transferable } from 'node:worker_threads';

export interface ThreadPoolOptions {
  readonly threads: number;
  /** Idle threads are ended after this time. */
  readonly idleMs: number;
}

/** Threads for native work, and the tasks of this package's `thread` entry. */
export interface ThreadPool {
  run<Result>(task: 'serveModel' | 'embedTexts', input: unknown, transfer?: readonly Transferable[]): Promise<Result>;
  /** Waits for the tasks that run, then ends the threads. */
  close(): Promise<void>;
}

/**
 * A pool that never ends a thread in the middle of native work, which would abort the process: tasks get no signal, and only idle threads are ended.
 */
export async function createThreadPool({ threads, idleMs }: ThreadPoolOptions): Promise<ThreadPool> {
  const { Piscina } = await import('piscina');
  const pool = new Piscina({
    filename: fileURLToPath(import.meta.resolve('@genie/inference/thread')),
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: idleMs,
    concurrentTasksPerWorker: 1,
    // A thread that waits for its next task must still hear its ports.
    atomics: 'disabled',
    closeTimeout: 2_147_483_647,
    execArgv: process.execArgv.filter((argument) => /^(?:--conditions=|--disable-warning=|-C$)/.test(argument)),
  });
  return {
    run: (name, input, transfer = []) => pool.run(input, { name, transferList: [...transfer] as never }),
    close: () => pool.close(),
  };
}
