import type { Engine } from './engine.ts';
import { episodeId } from './learn.ts';
import { waitingEntries } from './store/waiting-entries.ts';

/** Embedding in the background stops after this long and goes on at the next poke, so that closing is never far. */
const drainBudgetMs = 1_000;

/** Work after the answer, one piece at a time: writing the logs of learnt runs, embedding what was remembered. What is not done survives in the outbox. */
export interface Background {
  /** Says that there may be work. Returns at once. */
  poke(namespace: string): void;
  /** Resolves when the work that was known is done, or soon: an embedder that hangs is left, and what it did not embed stays queued. */
  finish(): Promise<void>;
}

export function createBackground(engine: () => Promise<Engine>): Background {
  let running: Promise<void> = Promise.resolve();
  const leaving = new AbortController();
  const waiting = new Set<string>();
  const work = async (): Promise<void> => {
    for (const namespace of waiting) {
      waiting.delete(namespace);
      const opened = await engine();
      await drainHistory(opened, namespace);
      const until = opened.clock.elapsed() + drainBudgetMs;
      await opened.vectors?.drain(namespace, { until, signal: leaving.signal });
    }
  };
  return {
    poke(namespace) {
      const isIdle = waiting.size === 0;
      waiting.add(namespace);
      // A log that cannot be written now stays queued and is tried again after the next run and at the next opening.
      if (isIdle) running = running.then(work).catch(() => undefined);
    },
    async finish() {
      const timer = setTimeout(() => leaving.abort(), drainBudgetMs);
      await running;
      clearTimeout(timer);
    },
  };
}

/** Writes queued run logs to `history/`. A log leaves the queue only when its file is durable. */
export async function drainHistory(
  engine: Pick<Engine, 'store' | 'history' | 'historyMutex'>,
  namespace: string,
): Promise<number> {
  for (let written = 0; ; written += 1) {
    const isDone = await engine.historyMutex(async () => {
      // Read again for each log: what is queued may have been redacted or forgotten meanwhile.
      const [entry] = await waitingEntries(engine.store, namespace, { kind: 'history', limit: 1 });
      if (!entry) return true;
      const runId = entry.id.slice('history:'.length);
      await engine.history.write(runId, entry.payload);
      // Another process may have forgotten something of the run, or all of it, since the entry was read: then the file says too much.
      const [present] = await waitingEntries(engine.store, namespace, { kind: 'history', limit: 1 });
      if (present?.id === entry.id && present.payload === entry.payload) {
        await engine.store.commit({ namespace, dequeue: [entry.id] });
      } else if (present?.id !== entry.id && (await engine.store.get(namespace, [episodeId(runId)])).length === 0) {
        await engine.history.remove(runId);
      }
      return false;
    });
    if (isDone) return written;
  }
}
