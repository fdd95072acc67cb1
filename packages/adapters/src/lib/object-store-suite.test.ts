import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runConformance } from '@genie/core/conformance';
import type { ObjectStore } from '@genie/core/ports';
import { describe, expect, it } from 'vitest';
import { createLocalObjects } from './local-objects.ts';
import { objectStoreSuite } from './object-store-suite.ts';

type Break = (store: ObjectStore) => Partial<ObjectStore>;

async function failures(breakStore: Break = () => ({})): Promise<readonly string[]> {
  const report = await runConformance(objectStoreSuite, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'genie-objects-'));
    const store = createLocalObjects({ dir });
    return {
      setup: { store: { ...store, ...breakStore(store) } },
      close: () => rm(dir, { recursive: true, force: true }),
    };
  });
  expect(report.results).toHaveLength(objectStoreSuite.cases.length);
  return report.results.filter(({ status }) => status === 'failed').map(({ name }) => name);
}

async function* reversed(store: ObjectStore, prefix?: string) {
  const all = [];
  for await (const info of store.list(prefix)) all.push(info);
  yield* all.reverse();
}

async function* firstChunk(content: AsyncIterable<Uint8Array>) {
  for await (const chunk of content) {
    yield chunk;
    return;
  }
}

/** A broken store for each case, in the order of the suite. */
const mutants: readonly Break[] = [
  (store) => ({ put: async (...args) => ({ ...(await store.put(...args)), sha256: 'none' }) }),
  (store) => ({ put: async (key, content, options) => (await store.head(key)) ?? store.put(key, content, options) }),
  (store) => ({
    async put(key, content, options) {
      await store.delete(key);
      return store.put(key, content, options);
    },
  }),
  (store) => ({
    put: (key, content, options) => store.put(key.toLowerCase(), content, options),
    get: (key, options) => store.get(key.toLowerCase(), options),
  }),
  (store) => ({ list: (prefix) => reversed(store, prefix) }),
  () => ({ delete: async () => true }),
  (store) => ({
    async get(key, options) {
      const found = await store.get(key, options);
      return found && { ...found, content: firstChunk(found.content) };
    },
  }),
  (store) => ({ put: (key, content, options) => store.put(key, key === 'a' ? new Uint8Array(9) : content, options) }),
  (store) => ({
    put: async (key, content, options) =>
      store.put(key, options?.signal ? new Uint8Array(1) : content, {
        ...options,
        ...(options?.signal ? { signal: new AbortController().signal } : {}),
      }),
  }),
  (store) => ({ put: (key, content, options) => store.put(key.replaceAll(/[^\w]+/g, '') || 'x', content, options) }),
];

describe('objectStoreSuite', () => {
  it('is kept by the local object store', async () => {
    expect(await failures()).toEqual([]);
  });

  it.each(objectStoreSuite.cases.map(({ name }, index) => [name, index] as const))(
    'catches a store that does not: %s',
    async (name, index) => {
      expect(await failures(mutants[index])).toContain(name);
    },
  );
});
