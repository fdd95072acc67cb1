import { runConformance } from '@genie/core/conformance';
import { describe, expect, it } from 'vitest';
import { suiteDimension, vectorStoreSuite } from '../conformance/vector-store-suite.ts';
import { openMemory } from '../open-memory.ts';
import { toUnitVector } from './unit-vector.ts';
import { type Graph, openUsearchStore } from './usearch-store.ts';
import type { VectorStore } from './vector-store.ts';

const dimension = 16;

function vectorsOf(count: number): Map<string, Float32Array> {
  let state = 7;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2_147_483_648 - 1;
  };
  return new Map(
    Array.from({ length: count }, (_one, at) => [
      `v${at}`,
      toUnitVector(Float32Array.from({ length: dimension }, next), undefined, 'v'),
    ]),
  );
}

async function open(count: number, above: number, createGraph?: () => Graph) {
  const kept = vectorsOf(count);
  const scanned: string[][] = [];
  const exactVectors = async (ids: readonly string[]) => {
    scanned.push([...ids]);
    return new Map(ids.flatMap((id) => (kept.has(id) ? [[id, kept.get(id) ?? new Float32Array()]] : [])));
  };
  const store = await openUsearchStore({ dimension, exactVectors, above, ...(createGraph ? { createGraph } : {}) });
  await store.add([...kept].map(([id, vector]) => ({ id, vector })));
  return { store, kept };
}

const usesGraph = (store: VectorStore): boolean => (store as unknown as { usesGraph: boolean }).usesGraph;
const waitForGraph = (store: VectorStore): Promise<void> =>
  expect
    .poll(() => usesGraph(store), { timeout: 10_000 })
    .toBe(true)
    .then(() => undefined);

describe('openUsearchStore', () => {
  it.each([0, 1_000_000])('passes the suite of vector stores (graph above %i vectors)', async (above) => {
    const report = await runConformance(vectorStoreSuite, async () => {
      const kept = new Map<string, Float32Array>();
      const exactVectors = async (ids: readonly string[]) =>
        new Map(ids.flatMap((id) => (kept.has(id) ? [[id, kept.get(id) ?? new Float32Array()] as const] : [])));
      const store = await openUsearchStore({ dimension: suiteDimension, exactVectors, above });
      return { setup: { store, keep: (id: string, vector: Float32Array) => kept.set(id, vector) } };
    });
    expect(report.results.filter(({ status }) => status === 'failed')).toEqual([]);
  });

  it('answers by the scan until the graph is complete, then by the graph, as well', async () => {
    const { store, kept } = await open(1_500, 1_000);
    const query = kept.get('v77') ?? new Float32Array();
    expect(usesGraph(store)).toBe(false);
    const before = await store.search(query, 10);
    await waitForGraph(store);
    await store.search(query, 10);
    expect((await store.search(query, 10)).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    await store.close();
  });

  it('never answers with what was removed, even while the graph is built', async () => {
    const { store, kept } = await open(1_500, 1_000);
    const query = kept.get('v5') ?? new Float32Array();
    await store.remove(['v5']);
    await waitForGraph(store);
    await store.remove(['v6']);
    for (const _time of [1, 2, 3]) {
      const ids = (await store.search(query, 1_490)).map(({ id }) => id);
      expect(ids).not.toContain('v5');
      expect(ids).not.toContain('v6');
    }
    await store.close();
  });

  it('takes the new vector of an id', async () => {
    const { store, kept } = await open(1_200, 1_000);
    await waitForGraph(store);
    const other = toUnitVector(
      Float32Array.from({ length: dimension }, (_one, at) => (at === 0 ? 1 : 0)),
      undefined,
      'x',
    );
    kept.set('v9', other);
    await store.add([{ id: 'v9', vector: other }]);
    await waitForGraph(store);
    for (const _time of [1, 2]) expect((await store.search(other, 1))[0]).toMatchObject({ id: 'v9' });
    await store.close();
  });

  it('goes back to the scan for good when its sampled recall is low, or when it cannot be built', async () => {
    const blind: Graph = {
      add: () => undefined,
      remove: () => undefined,
      search: () => ({ keys: BigUint64Array.from([1n, 2n, 3n]) }),
    };
    const { store, kept } = await open(1_200, 1_000, () => blind);
    await waitForGraph(store);
    const query = kept.get('v700') ?? new Float32Array();
    expect((await store.search(query, 10))[0]?.id).toBe('v700');
    expect(usesGraph(store)).toBe(false);
    expect((await store.search(query, 10))[0]?.id).toBe('v700');
    const failing: Graph = {
      ...blind,
      add: () => {
        throw new Error('out of memory');
      },
    };
    const other = await open(1_200, 1_000, () => failing);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(usesGraph(other.store)).toBe(false);
    expect((await other.store.search(query, 10))[0]?.id).toBe('v700');
  });

  it('works in a memory, and forgets there', async () => {
    const memory = openMemory({
      store: ':memory:',
      embedder: {
        id: 'hand',
        embed: async (texts) => texts.map((text) => [text.includes('ship') || text.includes('boat') ? 1 : 0, 0.1]),
      },
      openVectorStore: (options) => openUsearchStore({ ...options, above: 1 }),
    });
    await memory.remember([
      { id: 'a', text: 'The ship left' },
      { id: 'b', text: 'Bread and butter' },
      { id: 'c', text: 'A boat on the lake' },
    ]);
    for (let tries = 0; tries < 50 && (await memory.stats()).waitingForEmbedding > 0; tries += 1)
      await memory.consolidate();
    expect(
      (await memory.recall('boat')).items
        .map(({ id }) => id)
        .slice(0, 2)
        .sort(),
    ).toEqual(['a', 'c']);
    await memory.forget({ id: 'a' });
    expect((await memory.recall('boat')).items.map(({ id }) => id)).not.toContain('a');
    await memory.close();
  });
});
