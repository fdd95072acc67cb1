import {
  type ConformanceCase,
  type ConformanceSuite,
  expectCode,
  expectEqual,
  expectThat,
} from '@genie/core/conformance';
import type { StoredRecord } from '../store/record.ts';
import { keptOperations, type RecordStore } from '../store/record-store.ts';
import { sampleRecord } from './sample-record.ts';

export interface RecordStoreSetup {
  /** Empty. */
  readonly store: RecordStore;
  /** The same content in a new instance; the old one is closed by this. Durable stores have it. */
  readonly reopen?: () => Promise<RecordStore>;
}

type Case = ConformanceCase<RecordStoreSetup>;

const idsOf = (records: readonly StoredRecord[]): string[] => records.map(({ id }) => id);

const writing: readonly Case[] = [
  {
    name: 'gives back every field of a record',
    async run({ store }) {
      const full = sampleRecord('full', {
        text: 'naïve “quotes” \u{1F9DE} \n line',
        eventTime: 12,
        validFrom: -5,
        validTo: 99,
        subject: 's',
        relation: 'r',
        object: 'o',
        speaker: 'Ada',
        source: 'mail',
        runId: 'run',
        step: 3,
        idempotencyKey: 'key',
        data: { list: [1, 'two', null], nested: { yes: true } },
        importance: 0.25,
      });
      await store.commit({ namespace: 'one', put: [full] });
      const [found] = await store.get('one', ['full']);
      const { seq: _seq, revision: _revision, ...rest } = found ?? ({} as StoredRecord);
      const sorted = (value: object): [string, unknown][] =>
        Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
      expectEqual(sorted(rest), sorted(full), 'the record');
    },
  },
  {
    name: 'answers get in the order asked and without what is missing',
    async run({ store }) {
      await store.commit({ namespace: 'one', put: [sampleRecord('a'), sampleRecord('b'), sampleRecord('c')] });
      expectEqual(idsOf(await store.get('one', ['c', 'nothing', 'a'])), ['c', 'a'], 'ids');
    },
  },
  {
    name: 'replaces a record with the same id in its place',
    async run({ store }) {
      await store.commit({ namespace: 'one', put: [sampleRecord('a'), sampleRecord('b')] });
      const [before] = await store.get('one', ['a']);
      const { results } = await store.commit({ namespace: 'one', put: [sampleRecord('a', { text: 'new' })] });
      const [after] = await store.get('one', ['a']);
      expectEqual(
        [results[0]?.status, after?.text, after?.seq],
        ['replaced', 'new', before?.seq],
        'status, text and place',
      );
      expectThat((after?.revision ?? 0) > (before?.revision ?? 0), 'a change must raise the revision');
    },
  },
  {
    name: 'commits everything or nothing',
    async run({ store }) {
      await store.commit({ namespace: 'one', put: [sampleRecord('a')] });
      const change = store.commit({
        namespace: 'one',
        put: [sampleRecord('b'), sampleRecord('c', { data: { bad: 1n as unknown as number } })],
        remove: ['a'],
      });
      await change.then(
        () => undefined,
        () => undefined,
      );
      const left = idsOf(await store.find({ namespace: 'one' }));
      expectThat(left.join() === 'a' || left.join() === 'b,c', `half of a batch was kept: ${left.join()}`);
    },
  },
  {
    name: 'refuses a change that was based on an older revision',
    async run({ store }) {
      await store.commit({ namespace: 'one', put: [sampleRecord('a')] });
      const [read] = await store.get('one', ['a']);
      await store.commit({ namespace: 'one', put: [sampleRecord('a', { text: 'first writer' })] });
      const late = {
        namespace: 'one',
        put: [sampleRecord('a', { text: 'second writer' })],
        expect: [{ id: 'a', revision: read?.revision ?? 0 }],
      };
      await expectCode(store.commit(late), 'GENIE_MEMORY_CONFLICT');
      expectEqual((await store.get('one', ['a']))[0]?.text, 'first writer', 'the text');
    },
  },
  {
    name: 'treats expectation 0 as "must not exist"',
    async run({ store }) {
      const create = { namespace: 'one', put: [sampleRecord('a')], expect: [{ id: 'a', revision: 0 }] };
      await store.commit(create);
      await expectCode(store.commit(create), 'GENIE_MEMORY_CONFLICT');
    },
  },
  {
    name: 'stores one record for one idempotency key and names its id',
    async run({ store }) {
      await store.commit({ namespace: 'one', put: [sampleRecord('a', { idempotencyKey: 'k' })] });
      const { results } = await store.commit({ namespace: 'one', put: [sampleRecord('b', { idempotencyKey: 'k' })] });
      expectEqual(results, [{ id: 'a', status: 'duplicate' }], 'the result');
      expectEqual(idsOf(await store.find({ namespace: 'one' })), ['a'], 'ids');
    },
  },
  {
    name: 'raises the revision with every record',
    async run({ store }) {
      await store.commit({ namespace: 'one', put: [sampleRecord('a'), sampleRecord('b')] });
      const [a, b] = await store.get('one', ['a', 'b']);
      expectThat(
        (b?.revision ?? 0) > (a?.revision ?? 0) && (a?.revision ?? 0) > 0,
        'revisions must grow and start above 0',
      );
      expectEqual(await store.revision('one'), b?.revision, 'the revision of the namespace');
    },
  },
];

const reading: readonly Case[] = [
  {
    name: 'finds by tier, kind, status, source, subject and run',
    async run({ store }) {
      await store.commit({
        namespace: 'one',
        put: [
          sampleRecord('a', { tier: 'core', subject: 'user', relation: 'name' }),
          sampleRecord('b', { kind: 'finding', source: 'feed', runId: 'r1' }),
          sampleRecord('c', { status: 'superseded', retiredAt: 5 }),
        ],
      });
      const find = async (query: object): Promise<string> =>
        idsOf(await store.find({ namespace: 'one', ...query })).join();
      const found = [
        await find({ tiers: ['core'] }),
        await find({ kinds: ['finding'] }),
        await find({ status: ['live'] }),
        await find({ source: 'feed' }),
        await find({ subject: 'user', relation: 'name' }),
        await find({ runId: 'r1' }),
        await find({ tiers: ['associative', 'core'] }),
      ];
      expectEqual(found, ['a', 'b', 'a,b', 'b', 'a', 'b', 'a,b,c'], 'answers');
    },
  },
  {
    name: 'finds by time, using the recorded time where there is no other',
    async run({ store }) {
      await store.commit({
        namespace: 'one',
        put: [
          sampleRecord('a', { eventTime: 10 }),
          sampleRecord('b', { eventTime: 20 }),
          sampleRecord('c', { recordedAt: 15 }),
        ],
      });
      expectEqual(idsOf(await store.find({ namespace: 'one', between: [10, 15] })), ['a', 'c'], 'ids, bounds included');
    },
  },
  {
    name: 'pages through records in both orders without a gap',
    async run({ store }) {
      await store.commit({ namespace: 'one', put: ['a', 'b', 'c', 'd', 'e'].map((id) => sampleRecord(id)) });
      for (const order of ['oldest', 'newest'] as const) {
        const seen: string[] = [];
        let afterSeq: number | undefined;
        for (;;) {
          const page = await store.find({
            namespace: 'one',
            order,
            limit: 2,
            ...(afterSeq === undefined ? {} : { afterSeq }),
          });
          seen.push(...idsOf(page));
          afterSeq = page.at(-1)?.seq;
          if (page.length < 2) break;
        }
        expectEqual(seen.join(''), order === 'oldest' ? 'abcde' : 'edcba', order);
      }
    },
  },
  {
    name: 'reports every change after a revision, removals too, in pages',
    async run({ store }) {
      const seen = new Set<string>();
      let revision = 0;
      const follow = async (): Promise<void> => {
        for (;;) {
          const changes = await store.changes('one', revision, 2);
          for (const id of changes.removed) seen.delete(id);
          for (const { id } of changes.records) seen.add(id);
          const done = changes.revision === revision;
          revision = changes.revision;
          if (done) return;
        }
      };
      await store.commit({ namespace: 'one', put: ['a', 'b', 'c', 'd', 'e'].map((id) => sampleRecord(id)) });
      await follow();
      expectEqual([...seen].sort().join(''), 'abcde', 'after writing');
      await store.commit({ namespace: 'one', remove: ['b', 'e'], put: [sampleRecord('f')] });
      await store.commit({ namespace: 'two', put: [sampleRecord('x', { namespace: 'two' })] });
      await follow();
      expectEqual([...seen].sort().join(''), 'acdf', 'after removing');
    },
  },
];

const isolation: readonly Case[] = [
  {
    name: 'keeps namespaces apart in every read',
    async run({ store }) {
      const hostile = "one' OR '1'='1";
      await store.commit({
        namespace: 'one',
        put: [sampleRecord('a', { subject: 's', source: 'x' })],
        vectors: [{ id: 'a', model: 'm', vector: Float32Array.of(1, 0) }],
      });
      await store.commit({ namespace: 'one', enqueue: [{ id: 'embed:a', kind: 'embed', payload: 'a' }] });
      for (const namespace of ['two', hostile, 'ONE', 'one ', 'o%', '']) {
        expectEqual(await store.get(namespace, ['a']), [], `get in ${namespace}`);
        expectEqual(await store.find({ namespace, subject: 's', source: 'x' }), [], `find in ${namespace}`);
        expectEqual((await store.changes(namespace, 0, 10)).records, [], `changes in ${namespace}`);
        expectEqual(await store.vectors(namespace, 'm'), [], `vectors in ${namespace}`);
        expectEqual(await store.outbox(namespace, 10), [], `outbox in ${namespace}`);
        expectEqual(await store.operations(namespace), [], `operations in ${namespace}`);
      }
    },
  },
  {
    name: 'keeps namespaces apart in every write',
    async run({ store }) {
      await store.commit({ namespace: 'one', put: [sampleRecord('a', { idempotencyKey: 'k' })] });
      const { results } = await store.commit({
        namespace: 'two',
        put: [sampleRecord('a', { namespace: 'two', idempotencyKey: 'k', text: 'other' })],
        forget: ['f'],
      });
      expectEqual(results[0]?.status, 'stored', 'the same id and key in another namespace');
      await store.commit({ namespace: 'two', remove: ['a'] });
      expectEqual((await store.get('one', ['a']))[0]?.text, 'text of a', 'the record of the first namespace');
      const back = await store.commit({ namespace: 'one', put: [sampleRecord('b')], fingerprintsOf: () => ['f'] });
      expectEqual(back.results[0]?.status, 'stored', 'a mark of another namespace must not count');
    },
  },
  {
    name: 'writes to the namespace of the batch, whatever the record says',
    async run({ store }) {
      await store.commit({ namespace: 'one', put: [sampleRecord('a', { namespace: 'two' })] });
      expectEqual(
        [(await store.get('one', ['a'])).length, (await store.get('two', ['a'])).length],
        [1, 0],
        'records in one and two',
      );
    },
  },
];

const forgetting: readonly Case[] = [
  {
    name: 'removes a record with its vector and its place in the queue',
    async run({ store }) {
      await store.commit({
        namespace: 'one',
        put: [sampleRecord('a')],
        vectors: [{ id: 'a', model: 'm', vector: Float32Array.of(1, 0) }],
        enqueue: [{ id: 'embed:a', kind: 'embed', payload: 'a' }],
      });
      const { removed } = await store.commit({ namespace: 'one', remove: ['a', 'nothing'] });
      expectEqual(removed, 1, 'the count');
      expectEqual(
        [await store.get('one', ['a']), await store.vectors('one', 'm'), await store.outbox('one', 9)],
        [[], [], []],
        'what is left',
      );
    },
  },
  {
    name: 'does not let a forgotten record come back',
    async run({ store }) {
      await store.commit({ namespace: 'one', put: [sampleRecord('a')], fingerprintsOf: () => ['mark'] });
      await store.commit({ namespace: 'one', remove: ['a'], forget: ['mark'] });
      const again = await store.commit({
        namespace: 'one',
        put: [sampleRecord('b'), sampleRecord('c')],
        fingerprintsOf: ({ id }) => (id === 'b' ? ['other', 'mark'] : ['new']),
      });
      expectEqual(
        again.results.map(({ status }) => status),
        ['forgotten', 'stored'],
        'statuses',
      );
      expectEqual(idsOf(await store.find({ namespace: 'one' })), ['c'], 'ids');
    },
  },
  {
    name: 'lets it come back when the mark is lifted',
    async run({ store }) {
      await store.commit({ namespace: 'one', forget: ['mark'] });
      const { results } = await store.commit({
        namespace: 'one',
        allow: ['mark'],
        put: [sampleRecord('a')],
        fingerprintsOf: () => ['mark'],
      });
      expectEqual(results[0]?.status, 'stored', 'the status');
    },
  },
  {
    name: 'stores no vector for a record that is gone',
    async run({ store }) {
      await store.commit({ namespace: 'one', vectors: [{ id: 'gone', model: 'm', vector: Float32Array.of(1, 0) }] });
      expectEqual(await store.vectors('one', 'm'), [], 'vectors');
    },
  },
];

const sides: readonly Case[] = [
  {
    name: 'keeps vectors exactly, by model',
    async run({ store }) {
      const vector = Float32Array.of(0.1, -0.2, 3e-8);
      await store.commit({
        namespace: 'one',
        put: [sampleRecord('a'), sampleRecord('b')],
        vectors: [
          { id: 'a', model: 'm', vector },
          { id: 'b', model: 'n', vector },
        ],
      });
      const found = await store.vectors('one', 'm', { ids: ['a', 'b'] });
      expectEqual(
        found.map(({ id, vector: kept }) => [id, [...kept]]),
        [['a', [...vector]]],
        'vectors of the model',
      );
    },
  },
  {
    name: 'pages through vectors in order of id',
    async run({ store }) {
      const ids = ['a', 'b', 'c'];
      await store.commit({
        namespace: 'one',
        put: ids.map((id) => sampleRecord(id)),
        vectors: ids.map((id) => ({ id, model: 'm', vector: Float32Array.of(1) })),
      });
      const first = await store.vectors('one', 'm', { limit: 2 });
      const second = await store.vectors('one', 'm', { limit: 2, afterId: first.at(-1)?.id ?? '' });
      expectEqual(
        [...first, ...second].map(({ id }) => id),
        ids,
        'ids',
      );
      const counts = [
        await store.countVectors('one', 'm'),
        await store.countVectors('one', 'n'),
        await store.countVectors('two', 'm'),
      ];
      expectEqual(counts, [3, 0, 0], 'counts');
    },
  },
  {
    name: 'holds queued work until it is taken out',
    async run({ store }) {
      await store.commit({
        namespace: 'one',
        enqueue: [
          { id: '2', kind: 'history', payload: 'b' },
          { id: '1', kind: 'history', payload: 'a' },
        ],
      });
      await store.commit({ namespace: 'one', dequeue: ['1'] });
      expectEqual(await store.outbox('one', 9), [{ id: '2', kind: 'history', payload: 'b' }], 'the queue');
    },
  },
  {
    name: 'writes an operation in the same commit and replaces it by id',
    async run({ store }) {
      const operation = { id: 'op', at: 1, kind: 'consolidate', payload: '{}' };
      await store.commit({ namespace: 'one', put: [sampleRecord('a')], operation });
      await store.commit({ namespace: 'one', operation: { ...operation, undoneAt: 2 } });
      expectEqual(
        (await store.operations('one', 'op')).map(({ undoneAt }) => undoneAt),
        [2],
        'the operation',
      );
      const failing = { namespace: 'one', operation: { ...operation, id: 'late' }, expect: [{ id: 'a', revision: 0 }] };
      await expectCode(store.commit(failing), 'GENIE_MEMORY_CONFLICT');
      expectEqual(
        (await store.operations('one')).map(({ id }) => id),
        ['op'],
        'operations after a refused commit',
      );
    },
  },
  {
    name: 'keeps the latest operations and lets the older ones go',
    async run({ store }) {
      for (let at = 1; at <= keptOperations + 3; at += 1) {
        await store.commit({ namespace: 'one', operation: { id: `op${at}`, at, kind: 'consolidate', payload: '{}' } });
      }
      const times = (await store.operations('one')).map(({ at }) => at);
      expectEqual(
        [times.length, times[0], times.at(-1)],
        [keptOperations, 4, keptOperations + 3],
        'count, oldest and newest',
      );
    },
  },
  {
    name: 'keeps its identity and counts its content',
    async run({ store }) {
      await store.commit({
        namespace: 'one',
        put: [sampleRecord('a'), sampleRecord('b', { status: 'superseded', retiredAt: 1 })],
        forget: ['f'],
      });
      const { records, live, forgotten, namespaces } = await store.stats();
      expectEqual(
        { records, live, forgotten, namespaces },
        { records: 2, live: 1, forgotten: 1, namespaces: ['one'] },
        'counts',
      );
      expectThat(/^[0-9a-f]{32,}$/.test(await store.identity()), 'the identity must be hex');
      expectEqual(await store.identity(), await store.identity(), 'the identity');
    },
  },
  {
    name: 'verifies clean, and keeps its content when it scrubs',
    async run({ store }) {
      await store.commit({ namespace: 'one', put: [sampleRecord('a')] });
      await store.scrub();
      expectEqual(
        [await store.verify(), idsOf(await store.find({ namespace: 'one' }))],
        [[], ['a']],
        'problems and ids',
      );
    },
  },
  {
    name: 'refuses work after close, which may be repeated',
    async run({ store }) {
      await store.close();
      await store.close();
      await expectCode(store.get('one', ['a']), 'GENIE_MEMORY_CLOSED');
      await expectCode(store.commit({ namespace: 'one', put: [sampleRecord('a')] }), 'GENIE_MEMORY_CLOSED');
    },
  },
  {
    name: 'does nothing when it is aborted before it starts',
    async run({ store }) {
      const signal = AbortSignal.abort(new Error('stop'));
      const work = store.commit({ namespace: 'one', put: [sampleRecord('a')] }, { signal });
      expectThat(
        await work.then(
          () => false,
          () => true,
        ),
        'an aborted commit must reject',
      );
      expectEqual(await store.find({ namespace: 'one' }), [], 'records');
    },
  },
  {
    name: 'has everything after it was opened again',
    requires: 'durable',
    async run({ store, reopen }) {
      if (!reopen) throw new Error('a durable store must offer reopen');
      await store.commit({
        namespace: 'one',
        put: [sampleRecord('a'), sampleRecord('b')],
        vectors: [{ id: 'a', model: 'm', vector: Float32Array.of(1, 2) }],
      });
      await store.commit({
        namespace: 'one',
        remove: ['b'],
        forget: ['mark'],
        enqueue: [{ id: '1', kind: 'history', payload: 'x' }],
      });
      const identity = await store.identity();
      const again = await reopen();
      const late = await again.commit({ namespace: 'one', put: [sampleRecord('c')], fingerprintsOf: () => ['mark'] });
      expectEqual(
        [
          idsOf(await again.find({ namespace: 'one' })),
          (await again.vectors('one', 'm')).length,
          (await again.outbox('one', 9)).length,
          late.results[0]?.status,
          await again.identity(),
        ],
        [['a'], 1, 1, 'forgotten', identity],
        'the content',
      );
      await again.close();
    },
  },
];

/** What every record store must do. `durable` in the capabilities adds the case that opens it again. */
export const recordStoreSuite: ConformanceSuite<RecordStoreSetup> = {
  port: 'RecordStore',
  cases: [...writing, ...reading, ...isolation, ...forgetting, ...sides],
};
