import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type ConformanceSetup, type ConformanceSuite, memorySuite, runConformance } from '@genie/core/conformance';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSealed } from '../cipher/open-sealed.ts';
import { openMemory } from '../open-memory.ts';
import { openMemoryStore } from '../store/open-memory-store.ts';
import type { RecordBatch, RecordStore } from '../store/record-store.ts';
import { openSqliteDatabase } from '../store/sqlite-database.ts';
import { createSqliteStore } from '../store/sqlite-store.ts';
import { createInt8Scan } from '../vectors/int8-scan.ts';
import type { VectorStore } from '../vectors/vector-store.ts';
import { openVectraStore } from '../vectors/vectra-store.ts';
import { type RecordStoreSetup, recordStoreSuite } from './record-store-suite.ts';
import { suiteDimension, type VectorStoreSetup, vectorStoreSuite } from './vector-store-suite.ts';

let root = '';
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'genie-conformance-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const durable = new Set(['durable']);

async function fileStore(): Promise<ConformanceSetup<RecordStoreSetup>> {
  count += 1;
  const file = path.join(root, `${count}.db`);
  const open = async (): Promise<RecordStore> =>
    createSqliteStore(await openSqliteDatabase(file, 'process'), {
      capabilities: { name: 'sqlite', durable: true, encrypted: false },
    });
  return reopening(open);
}

async function sealedStore(): Promise<ConformanceSetup<RecordStoreSetup>> {
  count += 1;
  const folder = await mkdtemp(path.join(root, 'sealed-'));
  return reopening(
    async () => (await openSealed(folder, { passphrase: 'correct horse', scryptCost: 1_024 }, 'process')).store,
  );
}

async function pagesStore(): Promise<ConformanceSetup<RecordStoreSetup>> {
  const folder = await mkdtemp(path.join(root, 'pages-'));
  const options = { passphrase: 'correct horse', scryptCost: 1_024, records: 'pages' } as const;
  return reopening(async () => (await openSealed(folder, options, 'process')).store);
}

async function reopening(open: () => Promise<RecordStore>): Promise<ConformanceSetup<RecordStoreSetup>> {
  const store = await open();
  const reopen = async (): Promise<RecordStore> => {
    await store.close();
    return open();
  };
  return { setup: { store, reopen }, capabilities: durable, close: () => store.close() };
}

describe('recordStoreSuite', () => {
  it.each([
    ['the SQLite file', fileStore],
    ['the encrypted store', sealedStore],
    ['the store with encrypted pages', pagesStore],
    [
      'the store without a file',
      async () => ({ setup: { store: await openMemoryStore() }, capabilities: new Set<string>() }),
    ],
  ])('is passed by %s', async (_name, create) => {
    const report = await runConformance(recordStoreSuite, create);
    expect(report.results.filter(({ status }) => status === 'failed')).toEqual([]);
  });

  it('catches a broken store with every one of its cases', async () => {
    const caught = await casesCaught(
      recordStoreSuite,
      Object.values(recordMutants()).map((mutant) => () => mutated(mutant)),
    );
    expect(recordStoreSuite.cases.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([]);
  });

  it.each(Object.entries(recordMutants()))('notices: %s', async (_name, mutant) => {
    const report = await runConformance(recordStoreSuite, () => mutated(mutant));
    expect(report.failed).toBeGreaterThan(0);
  });
});

async function casesCaught<Setup>(
  suite: ConformanceSuite<Setup>,
  creates: readonly (() => Promise<ConformanceSetup<Setup>>)[],
): Promise<Set<string>> {
  const caught = new Set<string>();
  for (const create of creates) {
    const { results } = await runConformance(suite, create);
    for (const { name, status } of results) if (status === 'failed') caught.add(name);
  }
  return caught;
}

type Mutant = (store: RecordStore) => Partial<RecordStore>;

/** On the store without a file, which is quick; the mutant that forgets when it is closed needs one. */
async function mutated(mutant: Mutant): Promise<ConformanceSetup<RecordStoreSetup>> {
  if (mutant === notDurable) {
    const fresh = await fileStore();
    const { store, reopen } = fresh.setup;
    return { ...fresh, setup: { store: { ...store, ...mutant(store) }, ...(reopen ? { reopen } : {}) } };
  }
  const store = await openMemoryStore();
  return { setup: { store: { ...store, ...mutant(store) } }, close: () => store.close() };
}

const notDurable: Mutant = (store) => ({
  commit: async (batch, options) =>
    batch.forget ? store.commit({ namespace: batch.namespace }, options) : store.commit(batch, options),
});

/** Each breaks one promise on top of the real store. */
function recordMutants(): Record<string, Mutant> {
  const changing =
    (change: (batch: RecordBatch) => RecordBatch): Mutant =>
    (store) => ({ commit: (batch, options) => store.commit(change(batch), options) });
  const without =
    (...keys: readonly (keyof RecordBatch)[]): Mutant =>
    (store) =>
      changing(
        (batch) =>
          Object.fromEntries(
            Object.entries(batch).filter(([key]) => !keys.includes(key as keyof RecordBatch)),
          ) as unknown as RecordBatch,
      )(store);
  return {
    'loses a field': changing((batch) => ({
      ...batch,
      put: (batch.put ?? []).map(({ data: _data, ...record }) => record),
    })),
    'sorts get by itself': (store) => ({ get: async (namespace, ids) => store.get(namespace, [...ids].sort()) }),
    'appends instead of replacing': (store) => ({
      async commit(batch, options) {
        await store.commit({ namespace: batch.namespace, remove: (batch.put ?? []).map(({ id }) => id) });
        return store.commit(batch, options);
      },
    }),
    'non-atomic commit': (store) => ({
      async commit(batch, options) {
        const { remove, ...rest } = batch;
        if (remove) await store.commit({ namespace: batch.namespace, remove });
        return store.commit({ ...rest }, options);
      },
    }),
    'lost update': without('expect'),
    'ignores idempotency keys': changing((batch) => ({
      ...batch,
      put: (batch.put ?? []).map((record) => ({ ...record, idempotencyKey: `${record.idempotencyKey}:${record.id}` })),
    })),
    'one revision for all': (store) => ({
      revision: async (namespace) => Math.min(1, await store.revision(namespace)),
    }),
    'find ignores filters': (store) => ({
      find: ({ namespace, order, afterSeq, limit }) =>
        store.find({
          namespace,
          ...(order ? { order } : {}),
          ...(afterSeq === undefined ? {} : { afterSeq }),
          ...(limit === undefined ? {} : { limit }),
        }),
    }),
    'exclusive time bounds': (store) => ({
      find: (query) =>
        store.find(query.between ? { ...query, between: [query.between[0] + 1, query.between[1] - 1] } : query),
    }),
    'pages overlap': (store) => ({
      find: (query) => store.find(query.afterSeq === undefined ? query : { ...query, limit: 1 }),
    }),
    'stale index (removals are not reported)': (store) => ({
      changes: async (...asked) => ({ ...(await store.changes(...asked)), removed: [] }),
    }),
    'namespace leak in reads': (store) => ({
      find: (query) => store.find({ ...query, namespace: 'one' }),
      get: (_namespace, ids) => store.get('one', ids),
    }),
    'namespace leak in writes': changing((batch) => ({ ...batch, namespace: 'one' })),
    'namespace of the record wins': changing((batch) => ({
      ...batch,
      namespace: batch.put?.[0]?.namespace ?? batch.namespace,
    })),
    'keeps the vectors of what is removed': (store) => ({
      vectors: async (namespace, model, query) => {
        const rows = await store.vectors(namespace, model, query);
        const [left] = await store.get(namespace, ['a']);
        return rows.length === 0 && !left ? [{ id: 'a', model, vector: Float32Array.of(1, 0) }] : rows;
      },
    }),
    'resurfacing after forget': without('fingerprintsOf'),
    'forgets for ever': without('allow'),
    'rounds vectors': (store) => ({
      vectors: async (...asked) =>
        (await store.vectors(...asked)).map((row) => ({
          ...row,
          vector: row.vector.map((value) => Math.round(value * 127) / 127),
        })),
    }),
    'vector pages start over': (store) => ({
      vectors: (namespace, model, query) =>
        store.vectors(namespace, model, {
          ...(query?.limit === undefined ? {} : { limit: query.limit }),
          ...(query?.ids ? { ids: query.ids } : {}),
        }),
    }),
    'counts vectors of every namespace': (store) => ({
      countVectors: (_namespace, model) => store.countVectors('one', model),
    }),
    'never takes work out of the queue': without('dequeue'),
    'loses the operation': without('operation'),
    'keeps the oldest operations': (store) => ({
      operations: async (namespace, id) => (await store.operations(namespace, id)).slice(0, 10),
    }),
    'counts wrong': (store) => ({ stats: async () => ({ ...(await store.stats()), live: 0 }) }),
    'scrubs too much': (store) => ({
      scrub: () => store.commit({ namespace: 'one', remove: ['a'] }).then(() => undefined),
    }),
    'works after close': (store) => ({ close: async () => undefined, get: (...asked) => store.get(...asked) }),
    'ignores an abort': (store) => ({ commit: (batch) => store.commit(batch) }),
    'not durable': notDurable,
  };
}

describe('memorySuite of the core', () => {
  it.each([
    ['on a folder', {}],
    ['encrypted', { cipher: { passphrase: 'correct horse', scryptCost: 1_024 } }],
  ])('is passed by openMemory %s', async (_name, options) => {
    const report = await runConformance(memorySuite, async () => {
      const dir = await mkdtemp(path.join(root, 'memory-'));
      const memory = openMemory({ dir, ...options });
      const reopen = async () => {
        await memory.close();
        return openMemory({ dir, ...options });
      };
      return { setup: { memory, reopen }, capabilities: durable, close: () => memory.close() };
    });
    expect(report.results.filter(({ status }) => status === 'failed')).toEqual([]);
  });
});

describe('vectorStoreSuite', () => {
  it('is passed by the int8 scan', async () => {
    const report = await runConformance(vectorStoreSuite, () => vectorSetup(() => ({})));
    expect(report.results.filter(({ status }) => status !== 'passed')).toEqual([]);
  });

  it('is passed by Vectra', async () => {
    const { LocalIndex } = await import('vectra');
    const create = async () => {
      const index = new LocalIndex(await mkdtemp(path.join(root, 'vectra-')));
      return { setup: { store: await openVectraStore({ index, dimension: suiteDimension }) } };
    };
    const report = await runConformance(vectorStoreSuite, create);
    expect(report.results.filter(({ status }) => status !== 'passed')).toEqual([]);
  });

  it('catches a broken store with every one of its cases', async () => {
    const caught = await casesCaught(
      vectorStoreSuite,
      Object.values(vectorMutants()).map((mutant) => () => vectorSetup(mutant)),
    );
    expect(vectorStoreSuite.cases.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([]);
  });

  it.each(Object.entries(vectorMutants()))('notices: %s', async (_name, mutant) => {
    expect((await runConformance(vectorStoreSuite, () => vectorSetup(mutant))).failed).toBeGreaterThan(0);
  });
});

type VectorMutant = (store: VectorStore) => Partial<VectorStore>;

async function vectorSetup(mutant: VectorMutant): Promise<ConformanceSetup<VectorStoreSetup>> {
  const kept = new Map<string, Float32Array>();
  const exactVectors = async (ids: readonly string[]): Promise<Map<string, Float32Array>> =>
    new Map(ids.flatMap((id) => (kept.has(id) ? [[id, kept.get(id) ?? new Float32Array()] as const] : [])));
  const store = createInt8Scan({ dimension: suiteDimension, exactVectors });
  const broken = mutant(store);
  const wrapped = new Proxy(store, {
    get: (target, name) => {
      const value = name in broken ? broken[name as keyof VectorStore] : Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(name in broken ? broken : target) : value;
    },
  });
  return { setup: { store: wrapped, keep: (id, vector) => kept.set(id, vector) } };
}

function vectorMutants(): Record<string, VectorMutant> {
  return {
    'worst first': (store) => ({ search: async (...asked) => [...(await store.search(...asked))].reverse() }),
    'dot product of raw vectors': (store) => ({
      search: async (vector, k, options) =>
        (await store.search(vector, k, options)).map((match) => ({
          ...match,
          similarity: match.similarity * Math.hypot(...Array.from(vector)),
        })),
    }),
    'keeps the first vector of an id': (store) => ({
      add: async (rows) => store.add(rows.filter(({ id }) => !store.has(id))),
    }),
    'keeps removed vectors': () => ({ remove: async () => undefined }),
    'pads with matches that are not there': (store) => ({
      search: async (vector, k, options) => [
        ...(await store.search(vector, k, options)),
        { id: 'padding', similarity: -1 },
      ],
    }),
    'takes anything': (store) => ({
      add: async (rows) =>
        store.add(rows.filter(({ vector }) => vector.length === suiteDimension)).catch(() => undefined),
    }),
    'adds half of a refused call': (store) => ({
      add: async (rows) => {
        for (const row of rows) await store.add([row]);
      },
    }),
    'ignores an abort': (store) => ({ search: (vector, k) => store.search(vector, k) }),
  };
}
