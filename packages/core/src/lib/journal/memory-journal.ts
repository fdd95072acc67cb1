import type { CompactOptions, Journal, JournalRecord, JournalRun, RunJournal } from './journal.ts';
import { runIsOpen } from './journal-errors.ts';
import { checkRunId } from './record-codec.ts';
import { summarizeRun } from './summarize-run.ts';

export interface MemoryJournalOptions {
  /** Closed runs kept for `list` and `read`. Default 100: a long-lived process stays small. */
  readonly keepClosedRuns?: number;
  readonly now?: () => number;
}

interface Entry {
  readonly records: JournalRecord[];
  held: boolean;
}

/** A journal without a disk: for tests, and for runs that need no durability. Survives nothing. */
export function createMemoryJournal(options: MemoryJournalOptions = {}): Journal {
  const { keepClosedRuns = 100, now = Date.now } = options;
  const runs = new Map<string, Entry>();
  /** When each closed run was closed, oldest first. */
  const closedAt = new Map<string, number>();
  const drop = (limit: number, maxAgeMs: number): number => {
    let dropped = 0;
    const oldest = now() - maxAgeMs;
    for (const [runId, at] of closedAt) {
      if (closedAt.size <= limit && at >= oldest) break;
      if (runs.get(runId)?.held) continue;
      closedAt.delete(runId);
      dropped += runs.delete(runId) ? 1 : 0;
    }
    return dropped;
  };
  return {
    capabilities: { durability: 'memory' },
    async open(runId) {
      checkRunId(runId);
      const entry = runs.get(runId) ?? { records: [], held: false };
      if (entry.held) throw runIsOpen(runId);
      runs.set(runId, entry);
      entry.held = true;
      return hold(runId, entry, {
        closed: (at) => closedAt.set(runId, at),
        released: () => {
          if (entry.records.length === 0) runs.delete(runId);
          drop(keepClosedRuns, Number.POSITIVE_INFINITY);
        },
      });
    },
    list: async () => {
      const known = [...runs].filter(([, entry]) => entry.records.length > 0);
      const listed = known.map(([runId, entry]): JournalRun => summarizeRun(runId, entry.records));
      return listed.sort((left, right) => left.openedAt - right.openedAt);
    },
    read: async (runId) => [...(runs.get(runId)?.records ?? [])],
    async compact(policy: CompactOptions = {}) {
      return drop(policy.keepClosedRuns ?? 1_000, policy.maxAgeMs ?? 90 * 24 * 60 * 60 * 1000);
    },
    close: async () => undefined,
  };
}

interface HoldHooks {
  closed(at: number): void;
  released(): void;
}

function hold(runId: string, entry: Entry, hooks: HoldHooks): RunJournal {
  let released = false;
  return {
    runId,
    recorded: entry.records.slice(),
    append(record) {
      entry.records.push(record);
      if (record.kind === 'closed') hooks.closed(record.at);
    },
    settled: () => undefined,
    release() {
      if (released) return;
      released = true;
      entry.held = false;
      hooks.released();
    },
  };
}
