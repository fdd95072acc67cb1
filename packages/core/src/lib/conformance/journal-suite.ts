import type { Journal, JournalRecord } from '../journal/journal.ts';
import { type ConformanceCase, type ConformanceSuite, expectCode, expectEqual, expectThat } from './conformance.ts';

/** What a case of the journal suite gets: an empty journal, or one without any of the case's runs. */
export interface JournalSetup {
  readonly journal: Journal;
  /**
   * With the capability `durable`: opens the same records as the next process would after this one was killed. The
   * former journal is not used any more and was not closed.
   */
  readonly reopen?: () => Promise<Journal>;
}

const usage = { inputTokens: 3, outputTokens: 2, cachedInputTokens: 1, modelCalls: 1 };

function opened(at: number): JournalRecord {
  return { kind: 'opened', at, meta: { goal: 'a goal', nested: { list: [1, 'two', null, true] } } };
}

function result(output: string | number): JournalRecord {
  return { kind: 'result', callId: 'call-1', status: 'completed', output, tookMs: 1.5 };
}

function closed(at: number): JournalRecord {
  return { kind: 'closed', at, status: 'completed', outcome: { text: 'done' } };
}

/** One record of every kind, with the texts that storage likes to spoil. */
const everyKind: readonly JournalRecord[] = [
  opened(1),
  { kind: 'phase', phase: 'wake', at: 2, output: { gate: { wake: true } } },
  {
    kind: 'answer',
    step: 1,
    at: 3,
    finish: 'tool-calls',
    usage,
    costUsd: 0.000_1,
    content: [
      { type: 'reasoning', text: 'hm', metadata: { vendor: { signature: 's' } } },
      { type: 'text', text: 'line\nline \u2028 "quoted" \\ größe 🧞 nul \u0000 lone \ud800' },
      { type: 'call', id: 'call-1', tool: 'send', input: '{"broken":' },
    ],
  },
  { kind: 'intent', callId: 'call-1', state: 'started' },
  result('x'.repeat(100_000)),
  {
    kind: 'result',
    callId: 'call-2',
    status: 'failed',
    error: { code: 'GENIE_TOOL_FAILED', message: 'no' },
    tookMs: 0,
  },
  { kind: 'suspended', at: 4, approvalIds: ['apr_1'] },
  { kind: 'finished', at: 5, reason: 'stop' },
  closed(6),
];

const writingCases: readonly ConformanceCase<JournalSetup>[] = [
  {
    name: 'a new run has no records',
    async run({ journal }) {
      const run = await journal.open('run_new');
      expectEqual(run.recorded, [], 'records of a new run');
      expectEqual(run.runId, 'run_new', 'run id');
      expectEqual(await journal.read('run_never'), [], 'records of an unknown run');
    },
  },
  {
    name: 'records of every kind come back equal and in order',
    async run({ journal }) {
      const run = await journal.open('run_a');
      for (const record of everyKind) run.append(record);
      await run.settled();
      run.release();
      expectEqual((await journal.open('run_a')).recorded, everyKind, 'records after opening again');
      expectEqual(await journal.read('run_a'), everyKind, 'records read');
    },
  },
  {
    name: 'what was appended is seen at once, settled or not',
    async run({ journal }) {
      const run = await journal.open('run_a');
      run.append(opened(1));
      run.append(result('x'));
      expectEqual(await journal.read('run_a'), [opened(1), result('x')], 'records read before they settled');
      run.release();
      expectEqual((await journal.open('run_a')).recorded.length, 2, 'records after a release without settling');
    },
  },
  {
    name: 'runs are kept apart however they interleave',
    async run({ journal }) {
      const runs = await Promise.all(['run_a', 'run_b', 'run_c'].map((id) => journal.open(id)));
      for (let index = 0; index < 30; index += 1) runs[index % 3]?.append(result(index));
      await Promise.all(runs.map((run) => run.settled()));
      for (const [at, run] of runs.entries()) {
        const outputs = (await journal.read(run.runId)).map((record) =>
          record.kind === 'result' ? record.output : undefined,
        );
        expectEqual(
          outputs,
          Array.from({ length: 10 }, (_, index) => index * 3 + at),
          `records of ${run.runId}`,
        );
      }
    },
  },
  {
    name: 'recorded is what was there at the opening and does not grow',
    async run({ journal }) {
      const run = await journal.open('run_a');
      run.append(opened(1));
      expectEqual(run.recorded, [], 'recorded after an append');
    },
  },
  {
    name: 'writing goes on behind what was recorded before',
    async run({ journal }) {
      for (let part = 0; part < 3; part += 1) {
        const run = await journal.open('run_a');
        run.append(result(part * 2));
        run.append(result(part * 2 + 1));
        await run.settled();
        run.release();
      }
      expectEqual(await journal.read('run_a'), [0, 1, 2, 3, 4, 5].map(result), 'records of three openings');
    },
  },
  {
    name: 'settled resolves for many runs at once',
    async run({ journal }) {
      const work = Array.from({ length: 300 }, async (_, index) => {
        const run = await journal.open(`run_${index}`);
        for (let step = 0; step < 3; step += 1) {
          run.append(result(step));
          await run.settled();
        }
        run.release();
      });
      await Promise.all(work);
      expectEqual((await journal.read('run_299')).length, 3, 'records of the last run');
    },
  },
];

const holdingCases: readonly ConformanceCase<JournalSetup>[] = [
  {
    name: 'a run has one holder; a second one is refused with GENIE_RUN_OPEN',
    async run({ journal }) {
      const run = await journal.open('run_a');
      await expectCode(journal.open('run_a'), 'GENIE_RUN_OPEN');
      await journal.open('run_b');
      run.release();
      (await journal.open('run_a')).release();
    },
  },
  {
    name: 'release is idempotent and never frees the run of a later holder',
    async run({ journal }) {
      const first = await journal.open('run_a');
      first.release();
      await journal.open('run_a');
      first.release();
      await expectCode(journal.open('run_a'), 'GENIE_RUN_OPEN');
    },
  },
  {
    name: 'a run id that cannot be stored is refused with GENIE_RUN_ID',
    async run({ journal }) {
      for (const id of ['', 'two words', 'line\nbreak', 'x'.repeat(201)])
        await expectCode(journal.open(id), 'GENIE_RUN_ID');
      (await journal.open(`tenant/7:run_1@host.${'x'.repeat(180)}`.slice(0, 200))).release();
    },
  },
  {
    name: 'close is idempotent',
    async run({ journal }) {
      const run = await journal.open('run_a');
      run.append(opened(1));
      run.release();
      await journal.close();
      await journal.close();
    },
  },
];

const listingCases: readonly ConformanceCase<JournalSetup>[] = [
  {
    name: 'list tells open and closed runs, oldest first, with how they ended',
    async run({ journal }) {
      for (const [id, at, ends] of [
        ['run_late', 30, false],
        ['run_early', 10, true],
        ['run_middle', 20, false],
      ] as const) {
        const run = await journal.open(id);
        run.append(opened(at));
        if (ends) run.append(closed(40));
        await run.settled();
        run.release();
      }
      const list = await journal.list();
      expectEqual(
        list.map((run) => [run.runId, run.status, run.openedAt]),
        [
          ['run_early', 'closed', 10],
          ['run_middle', 'open', 20],
          ['run_late', 'open', 30],
        ],
        'list',
      );
      expectEqual(list[0]?.closed, { at: 40, status: 'completed', outcome: { text: 'done' } }, 'closing');
      expectEqual(list[1]?.meta, { goal: 'a goal', nested: { list: [1, 'two', null, true] } }, 'meta');
    },
  },
  {
    name: 'compact drops the oldest closed runs beyond the policy and nothing else',
    async run({ journal }) {
      for (let index = 0; index < 6; index += 1) {
        const run = await journal.open(`run_${index}`);
        run.append(opened(Date.now() - 1_000 + index));
        if (index !== 0) run.append(closed(Date.now() - 1_000 + index));
        await run.settled();
        run.release();
      }
      expectEqual(await journal.compact({ keepClosedRuns: 2 }), 3, 'runs dropped');
      expectEqual(
        (await journal.list()).map((run) => run.runId),
        ['run_0', 'run_4', 'run_5'],
        'runs left',
      );
      expectEqual((await journal.read('run_0')).length, 1, 'records of the open run');
      expectEqual(await journal.read('run_1'), [], 'records of a dropped run');
      expectEqual(await journal.compact({ keepClosedRuns: 2 }), 0, 'runs dropped the second time');
    },
  },
  {
    name: 'compact drops closed runs by age',
    async run({ journal }) {
      for (const [id, age] of [
        ['run_old', 100],
        ['run_new', 1],
      ] as const) {
        const run = await journal.open(id);
        run.append(opened(Date.now() - age * 24 * 60 * 60 * 1000));
        run.append(closed(Date.now() - age * 24 * 60 * 60 * 1000));
        await run.settled();
        run.release();
      }
      expectEqual(await journal.compact(), 1, 'runs dropped by default');
      expectEqual(
        (await journal.list()).map((run) => run.runId),
        ['run_new'],
        'runs left',
      );
    },
  },
];

const durabilityCases: readonly ConformanceCase<JournalSetup>[] = [
  {
    name: 'settled records outlive the process',
    requires: 'durable',
    async run({ journal, reopen }) {
      expectThat(
        journal.capabilities.durability !== 'memory',
        'a durable journal declares the durability "process" or "power"',
      );
      const run = await journal.open('run_a');
      for (const record of everyKind.slice(0, 5)) run.append(record);
      await run.settled();
      const next = await reopened(reopen);
      expectEqual((await next.open('run_a')).recorded, everyKind.slice(0, 5), 'records after the process was killed');
    },
  },
  {
    name: 'what was appended last and never settled is a prefix when it comes back',
    requires: 'durable',
    async run({ journal, reopen }) {
      const run = await journal.open('run_a');
      for (let index = 0; index < 5; index += 1) run.append(result(index));
      await run.settled();
      for (let index = 5; index < 10; index += 1) run.append(result(index));
      const { recorded } = await (await reopened(reopen)).open('run_a');
      expectThat(recorded.length >= 5, `at least the 5 settled records come back, got ${recorded.length}`);
      expectEqual(
        recorded,
        Array.from({ length: recorded.length }, (_, index) => result(index)),
        'records',
      );
    },
  },
  {
    name: 'the list, closed runs and compaction outlive the process',
    requires: 'durable',
    async run({ journal, reopen }) {
      for (const id of ['run_a', 'run_b', 'run_c']) {
        const run = await journal.open(id);
        run.append(opened(Date.now()));
        if (id !== 'run_c') run.append(closed(Date.now() + (id === 'run_b' ? 1 : 0)));
        await run.settled();
        run.release();
      }
      await journal.compact({ keepClosedRuns: 1 });
      const next = await reopened(reopen);
      expectEqual(
        (await next.list()).map((run) => [run.runId, run.status]).sort(),
        [
          ['run_b', 'closed'],
          ['run_c', 'open'],
        ],
        'runs',
      );
      expectEqual((await next.open('run_b')).recorded.at(-1)?.kind, 'closed', 'last record of a closed run');
    },
  },
];

async function reopened(reopen: JournalSetup['reopen']): Promise<Journal> {
  expectThat(reopen, 'a setup with the capability "durable" has "reopen"');
  return reopen();
}

/** Every promise of the `Journal` port. Capabilities: `durable` (records outlive their process; see `reopen`). */
export const journalSuite: ConformanceSuite<JournalSetup> = {
  port: 'Journal',
  cases: [...writingCases, ...holdingCases, ...listingCases, ...durabilityCases],
};
