import type { CompactOptions, Journal, JournalRecord, JournalRun, RunJournal } from './journal.ts';
import { runIsOpen } from './journal-errors.ts';
import { summarizeRun } from './summarize-run.ts';

export interface MemoryJournalOptions {
  /** Closed runs kept for `list` and `read`. Default 100: a long-lived process stays small. */
  readonly keepClosedRuns?: number;
}

interface Entry {
  readonly records: JournalRecord[];
  held: boolean;
}

/** A journal without a disk: for tests, and for runs that need no durability. Survives nothing. */
export function createMemoryJournal(options: MemoryJournalOptions = {}): Journal {
  const keep = options.keepClosedRuns ?? 100;
  const runs = new Map<string, Entry>();
  const closedOrder: string[] = [];
  return {
    capabilities: { durability: 'memory' },
    async open(runId) {
      const entry = runs.get(runId) ?? { records: [], held: false };
      if (entry.held) throw runIsOpen(runId);
      runs.set(runId, entry);
      entry.held = true;
      return hold(runId, entry, () => {
        closedOrder.push(runId);
        while (closedOrder.length > keep) runs.delete(closedOrder.shift() as string);
      });
    },
    list: async () => [...runs].map(([runId, entry]): JournalRun => summarizeRun(runId, entry.records)),
    read: async (runId) => [...(runs.get(runId)?.records ?? [])],
    async compact(policy: CompactOptions = {}) {
      const limit = policy.keepClosedRuns ?? 1_000;
      let dropped = 0;
      while (closedOrder.length > limit) dropped += runs.delete(closedOrder.shift() as string) ? 1 : 0;
      return dropped;
    },
    close: async () => undefined,
  };
}

function hold(runId: string, entry: Entry, onClosed: () => void): RunJournal {
  return {
    runId,
    recorded: entry.records.slice(),
    append(record) {
      entry.records.push(record);
      if (record.kind === 'closed') onClosed();
    },
    settled: () => undefined,
    release() {
      entry.held = false;
    },
  };
}
