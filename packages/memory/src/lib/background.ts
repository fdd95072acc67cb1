import type { Engine } from './engine.ts';

/** Embedding in the background stops after this long and goes on at the next poke, so that closing is never far. */
const drainBudgetMs = 1_000;

/** Work after the answer, one piece at a time: writing the logs of learnt runs, embedding what was remembered. What is not done survives in the outbox. */
export interface Background {
  /** Says that there may be work. Returns at once. */
  poke(namespace: string): void;
  /** Resolves when the work that was known is done. */
  settled(): Promise<void>;
}

export function createBackground(engine: () => Promise<Engine>): Background {
  let running: Promise<void> = Promise.resolve();
  const waiting = new Set<string>();
  const work = async (): Promise<void> => {
    for (const namespace of waiting) {
      waiting.delete(namespace);
      const opened = await engine();
      await drainHistory(opened, namespace);
      await opened.vectors?.drain(namespace, { until: opened.clock.elapsed() + drainBudgetMs });
    }
  };
  return {
    poke(namespace) {
      const isIdle = waiting.size === 0;
      waiting.add(namespace);
      // A log that cannot be written now stays queued and is tried again after the next run and at the next opening.
      if (isIdle) running = running.then(work).catch(() => undefined);
    },
    settled: () => running,
  };
}

/** Writes queued run logs to `history/`. A log leaves the queue only when its file is durable. */
export async function drainHistory(engine: Engine, namespace: string): Promise<number> {
  for (let written = 0; ; written += 1) {
    const isDone = await engine.historyMutex(async () => {
      // Read again for each log: what is queued may have been redacted or forgotten meanwhile.
      const entry = (await engine.store.outbox(namespace, 100_000)).find(({ kind }) => kind === 'history');
      if (!entry) return true;
      await engine.history.write(entry.id.slice('history:'.length), entry.payload);
      await engine.store.commit({ namespace, dequeue: [entry.id] });
      return false;
    });
    if (isDone) return written;
  }
}
