import type { MemoryPort } from '../ports/memory.ts';
import type { RunRecord } from '../run-record.ts';
import { type ConformanceCase, type ConformanceSuite, expectEqual, expectThat } from './conformance.ts';
import { sampleRun } from './sample-run.ts';

/** What a case of the memory suite gets: an empty memory. */
export interface MemorySetup {
  readonly memory: MemoryPort;
  /** With the capability `durable`: closes the memory and opens the same contents again. */
  readonly reopen?: () => Promise<MemoryPort>;
}

const request = { runId: 'run_9', genieId: 'genie_a', goal: 'Watch the roof', query: 'the roof', tokenBudget: 1_000 };

const recallCases: readonly ConformanceCase<MemorySetup>[] = [
  {
    name: 'recalls what was remembered, the best match first',
    async run({ memory }) {
      await memory.remember([
        { text: 'The cat sleeps on the sofa' },
        { text: 'The roof leaks above the kitchen' },
        { text: 'The kitchen has a new window' },
      ]);
      const { items, tookMs } = await memory.recall('roof kitchen');
      expectEqual(items[0]?.text, 'The roof leaks above the kitchen', 'best match');
      expectThat(
        !items.some((item, at) => item.score > (items[at - 1]?.score ?? Number.POSITIVE_INFINITY)),
        'scores do not rise down the list',
      );
      expectThat(tookMs >= 0, 'tookMs is a duration');
    },
  },
  {
    name: 'gives at most k items',
    async run({ memory }) {
      await memory.remember(Array.from({ length: 12 }, (_, index) => ({ text: `The roof leaks in room ${index}` })));
      expectEqual((await memory.recall('roof leaks', { k: 3 })).items.length, 3, 'items with k: 3');
    },
  },
  {
    name: 'keeps namespaces and kinds apart',
    async run({ memory }) {
      await memory.remember([
        { text: 'The roof is red', namespace: 'north', kind: 'fact' },
        { text: 'The roof is blue', namespace: 'south', kind: 'fact' },
        { text: 'The roof was painted', namespace: 'south', kind: 'event' },
      ]);
      const south = await memory.recall('roof', { namespace: 'south' });
      expectEqual(
        south.items.map((item) => item.text).sort(),
        ['The roof is blue', 'The roof was painted'],
        'items of one namespace',
      );
      const events = await memory.recall('roof', { namespace: 'south', kinds: ['event'] });
      expectEqual(
        events.items.map((item) => item.text),
        ['The roof was painted'],
        'items of one kind',
      );
    },
  },
  {
    name: 'remembers once for one idempotency key and returns the first id',
    async run({ memory }) {
      const [first] = await memory.remember({ text: 'The roof is red', idempotencyKey: 'k1' });
      const [second] = await memory.remember({ text: 'The roof is red', idempotencyKey: 'k1' });
      expectEqual(second?.id, first?.id, 'id of the second call');
      expectEqual((await memory.recall('roof red')).items.length, 1, 'items');
    },
  },
  {
    name: 'survives texts that a store or a query language may trip over',
    async run({ memory }) {
      for (const text of [
        '"; DROP TABLE items; --',
        "it's 100% NEAR(AND) * ^ - +",
        'größe 🧞 nul\u0000',
        'a'.repeat(20_000),
      ]) {
        await memory.remember({ text });
        await memory.recall(text);
      }
      await memory.remember({ text: 'The roof is red' });
      expectThat((await memory.recall('roof')).items.length > 0, 'an ordinary text is found after odd ones');
      await memory.recall('');
    },
  },
];

const phaseCases: readonly ConformanceCase<MemorySetup>[] = [
  {
    name: 'learns a run once',
    async run({ memory }) {
      const run = finding('The roof was repaired in May');
      const first = await memory.learn(run);
      expectThat(first.stored + first.queued > 0, 'the first learn stores something');
      expectEqual((await memory.learn(run)).stored, 0, 'stored by learning the same run again');
    },
  },
  {
    name: 'puts what earlier runs found in front of a later one',
    async run({ memory }) {
      await memory.remember({ text: 'The roof was repaired in May' });
      const { stable, volatile } = await memory.enrich(request);
      expectThat(`${stable}\n${volatile}`.includes('repaired in May'), 'the enrichment holds the finding');
    },
  },
  {
    name: 'keeps an enrichment within its tokens and writes nothing',
    async run({ memory }) {
      await memory.remember(
        Array.from({ length: 50 }, (_, index) => ({ text: `The roof has leak number ${index} above room ${index}` })),
      );
      const before = (await memory.recall('roof leak', { k: 1_000 })).items.length;
      const { stable, volatile } = await memory.enrich({ ...request, tokenBudget: 100 });
      expectThat(
        (stable.length + volatile.length) / 4 <= 130,
        `100 tokens are at most about 400 characters, got ${stable.length + volatile.length}`,
      );
      expectEqual((await memory.recall('roof leak', { k: 1_000 })).items.length, before, 'items after enriching');
    },
  },
  {
    name: 'rejects when the signal is aborted',
    async run({ memory }) {
      const signal = AbortSignal.abort();
      const calls = [
        memory.enrich(request, { signal }),
        memory.learn(finding('x'), { signal }),
        memory.recall('x', { signal }),
      ];
      const results = await Promise.allSettled(calls);
      expectEqual(
        results.map((result) => result.status),
        ['rejected', 'rejected', 'rejected'],
        'calls with an aborted signal',
      );
    },
  },
];

const workingCases: readonly ConformanceCase<MemorySetup>[] = [
  {
    name: 'working memory replaces, deletes and does not mix keys',
    async run({ memory: { working } }) {
      expectEqual(await working.get('cursors'), undefined, 'a key that was never set');
      await working.set('cursors', { 'feed:a': 'one', nested: [1, null, true] });
      await working.set('plan', 'x');
      await working.set('cursors', { 'feed:b': 'two' });
      expectEqual(await working.get('cursors'), { 'feed:b': 'two' }, 'a value is replaced whole');
      await working.delete('cursors');
      await working.delete('cursors');
      expectEqual([await working.get('cursors'), await working.get('plan')], [undefined, 'x'], 'after deleting');
    },
  },
  {
    name: 'working memory does not change with the object it was given',
    async run({ memory: { working } }) {
      const value: { list: number[] } = { list: [1] };
      await working.set('key', value);
      value.list.push(2);
      expectEqual(await working.get('key'), { list: [1] }, 'the stored value');
    },
  },
  {
    name: 'what was stored outlives the process',
    requires: 'durable',
    async run({ memory, reopen }) {
      await memory.remember({ text: 'The roof is red', idempotencyKey: 'k1' });
      await memory.learn(finding('The roof was repaired in May'));
      await memory.working.set('cursors', { a: '1' });
      expectThat(reopen, 'a setup with the capability "durable" has "reopen"');
      const next = await reopen();
      expectThat(
        (await next.recall('roof red')).items.some((item) => item.text === 'The roof is red'),
        'the item is recalled',
      );
      expectEqual((await next.learn(finding('The roof was repaired in May'))).stored, 0, 'stored by learning again');
      expectEqual(await next.working.get('cursors'), { a: '1' }, 'working memory');
    },
  },
  {
    name: 'close is idempotent',
    async run({ memory }) {
      await memory.close();
      await memory.close();
    },
  },
];

function finding(text: string): RunRecord {
  const item = { id: 'item_1', text, citations: [] };
  return sampleRun({
    text: `## News\n- ${text}`,
    briefing: { title: 'News', markdown: `## News\n- ${text}`, items: [item] },
  });
}

/** Every promise of the `MemoryPort`. Capabilities: `durable` (contents outlive their process; see `reopen`). */
export const memorySuite: ConformanceSuite<MemorySetup> = {
  port: 'MemoryPort',
  cases: [...recallCases, ...phaseCases, ...workingCases],
};
