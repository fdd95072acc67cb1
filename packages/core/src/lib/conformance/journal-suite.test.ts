import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openJournal } from '../journal/file-journal.ts';
import type { Journal, JournalRecord, RunJournal } from '../journal/journal.ts';
import { createMemoryJournal } from '../journal/memory-journal.ts';
import { type ConformanceSetup, runConformance } from './conformance.ts';
import { type JournalSetup, journalSuite } from './journal-suite.ts';

describe('journalSuite', () => {
  it('is passed by the memory journal, which does not claim to be durable', async () => {
    const report = await runConformance(journalSuite, async () => ({
      setup: { journal: createMemoryJournal({ keepClosedRuns: 1_000 }) },
    }));
    expect(report.results.filter((result) => result.status === 'failed')).toEqual([]);
    expect(report.results.filter((result) => result.status === 'unsupported')).toHaveLength(3);
  });

  it.each(['process', 'power'] as const)(
    'is passed by the file journal (%s), also over many small segments',
    async (durability) => {
      for (const segmentBytes of [8 * 1024 * 1024, 400]) {
        const report = await runConformance(journalSuite, () => fileSetup({ durability, segmentBytes }));
        expect(report.results.filter((result) => result.status !== 'passed')).toEqual([]);
      }
    },
  );

  it.each(Object.entries(mutants()))('catches a journal that %s', async (_what, { caughtBy, wrap, durable }) => {
    const create = async (): Promise<ConformanceSetup<JournalSetup>> => {
      if (!durable) return { setup: { journal: wrap(createMemoryJournal({ keepClosedRuns: 1_000 })) } };
      const real = await fileSetup({ durability: 'process', segmentBytes: 1e6 });
      return { ...real, setup: { journal: wrap(real.setup.journal), reopen: async () => wrap(await reopenOf(real)) } };
    };
    const report = await runConformance(journalSuite, create, { timeoutMs: 3_000 });
    const failed = report.results.filter((result) => result.status === 'failed').map((result) => result.name);
    expect(failed).toContain(caughtBy);
  });

  it('has a mutant for every case', () => {
    const caught = new Set(Object.values(mutants()).map((mutant) => mutant.caughtBy));
    expect(journalSuite.cases.map((one) => one.name).filter((name) => !caught.has(name))).toEqual([]);
  });
});

interface Mutant {
  readonly caughtBy: string;
  readonly durable?: boolean;
  wrap(journal: Journal): Journal;
}

function mutants(): Readonly<Record<string, Mutant>> {
  return {
    'invents a record': {
      caughtBy: 'a new run has no records',
      wrap: (real) => onRun(real, (run) => ({ recorded: [...run.recorded, ghost] })),
    },
    'spoils special characters': {
      caughtBy: 'records of every kind come back equal and in order',
      wrap: (real) =>
        onRun(real, (run) => ({
          append: (record) => run.append(JSON.parse(JSON.stringify(record).replaceAll('\\u0000', ''))),
        })),
    },
    'shows records only later': {
      caughtBy: 'what was appended is seen at once, settled or not',
      wrap: (real) => onRun(real, (run) => ({ append: (record) => late(run, record, 5) })),
    },
    'mixes runs up': {
      caughtBy: 'runs are kept apart however they interleave',
      wrap: (real) => {
        let first: RunJournal | undefined;
        return onRun(real, (run) => {
          first ??= run;
          let count = 0;
          const append = (record: JournalRecord) => {
            count += 1;
            (count === 5 ? first : run)?.append(record);
          };
          return { append };
        });
      },
    },
    'lets recorded grow': {
      caughtBy: 'recorded is what was there at the opening and does not grow',
      wrap: (real) =>
        onRun(real, (run) => {
          const recorded = [...run.recorded];
          const append = (record: JournalRecord) => {
            run.append(record);
            recorded.push(record);
          };
          return { recorded, append };
        }),
    },
    'starts over when a run is opened again': {
      caughtBy: 'writing goes on behind what was recorded before',
      wrap: (real) => ({ ...bound(real), read: async (runId) => (await real.read(runId)).slice(-2) }),
    },
    'never settles under load': {
      caughtBy: 'settled resolves for many runs at once',
      wrap: (real) => {
        let open = 0;
        return onRun(real, () => {
          open += 1;
          return open > 200 ? { settled: () => new Promise<void>(() => undefined) } : {};
        });
      },
    },
    'lets two holders write': {
      caughtBy: 'a run has one holder; a second one is refused with GENIE_RUN_OPEN',
      wrap: (real) => {
        const handles = new Map<string, RunJournal>();
        return {
          ...bound(real),
          async open(runId) {
            const known = handles.get(runId);
            if (known) return known;
            const run = await real.open(runId);
            handles.set(runId, run);
            return run;
          },
        };
      },
    },
    'frees the run of a later holder': {
      caughtBy: 'release is idempotent and never frees the run of a later holder',
      wrap: (real) => {
        const holders = new Map<string, RunJournal>();
        return onRun(real, (run) => {
          holders.set(run.runId, run);
          return { release: () => holders.get(run.runId)?.release() };
        });
      },
    },
    'stores any id': {
      caughtBy: 'a run id that cannot be stored is refused with GENIE_RUN_ID',
      wrap: (real) => ({
        ...bound(real),
        open: (runId) => real.open(runId.replace(/[^\w]/g, '_').slice(0, 200) || '_'),
      }),
    },
    'can be closed only once': {
      caughtBy: 'close is idempotent',
      wrap: (real) => {
        let isClosed = false;
        return {
          ...bound(real),
          async close() {
            if (isClosed) throw new Error('closed twice');
            isClosed = true;
            await real.close();
          },
        };
      },
    },
    'lists in no order': {
      caughtBy: 'list tells open and closed runs, oldest first, with how they ended',
      wrap: (real) => ({ ...bound(real), list: async () => [...(await real.list())].reverse() }),
    },
    'miscounts what it drops': {
      caughtBy: 'compact drops the oldest closed runs beyond the policy and nothing else',
      wrap: (real) => ({
        ...bound(real),
        compact: async (policy) => (await real.compact(policy)) + 1,
      }),
    },
    'ignores the age of runs': {
      caughtBy: 'compact drops closed runs by age',
      wrap: (real) => ({
        ...bound(real),
        compact: (policy) => real.compact({ ...policy, maxAgeMs: Number.POSITIVE_INFINITY }),
      }),
    },
    'settles before it wrote': {
      caughtBy: 'settled records outlive the process',
      durable: true,
      wrap: (real) =>
        onRun(real, (run) => ({
          append: (record) => late(run, record, 50),
          settled: () => undefined,
        })),
    },
    'writes out of order': {
      caughtBy: 'what was appended last and never settled is a prefix when it comes back',
      durable: true,
      wrap: (real) =>
        onRun(real, (run) => {
          let held: JournalRecord | undefined;
          const append = (record: JournalRecord) => {
            if (!held) held = record;
            else {
              run.append(record);
              run.append(held);
              held = undefined;
            }
          };
          return { append };
        }),
    },
    'compacts in memory only': {
      caughtBy: 'the list, closed runs and compaction outlive the process',
      durable: true,
      wrap: (real) => ({ ...bound(real), compact: async () => 1 }),
    },
  };
}

function late(run: RunJournal, record: JournalRecord, delayMs: number): void {
  setTimeout(() => {
    try {
      run.append(record);
    } catch {
      // The journal was closed meanwhile.
    }
  }, delayMs);
}

const ghost: JournalRecord = { kind: 'intent', callId: 'ghost', state: 'started' };

function bound(real: Journal): Journal {
  return {
    capabilities: real.capabilities,
    open: (runId) => real.open(runId),
    list: () => real.list(),
    read: (runId) => real.read(runId),
    compact: (policy) => real.compact(policy),
    close: () => real.close(),
  };
}

function onRun(real: Journal, change: (run: RunJournal) => Partial<RunJournal>): Journal {
  return {
    ...bound(real),
    async open(runId) {
      const run = await real.open(runId);
      return { ...run, ...change(run) };
    },
  };
}

async function fileSetup(options: {
  readonly durability: 'process' | 'power';
  readonly segmentBytes: number;
}): Promise<ConformanceSetup<JournalSetup>> {
  const dir = fs.mkdtempSync(join(tmpdir(), 'genie-suite-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  const opened = [openJournal({ dir, ...options })];
  const reopen = async () => {
    // A killed process leaves its lease behind; here the process lives on, so the lease goes instead.
    const copy = fs.mkdtempSync(join(tmpdir(), 'genie-suite-'));
    onTestFinished(() => fs.rmSync(copy, { recursive: true, force: true }));
    fs.cpSync(dir, copy, { recursive: true, filter: (path) => !path.endsWith('lease') });
    const journal = openJournal({ dir: copy, ...options });
    opened.push(journal);
    return journal;
  };
  return {
    setup: { journal: opened[0] as Journal, reopen },
    capabilities: new Set(['durable']),
    close: async () => {
      for (const journal of opened) await journal.close();
    },
  };
}

function reopenOf({ setup }: ConformanceSetup<JournalSetup>): Promise<Journal> {
  if (!setup.reopen) throw new Error('no reopen');
  return setup.reopen();
}
