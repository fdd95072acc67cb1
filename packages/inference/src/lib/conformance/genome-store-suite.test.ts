import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runConformance } from '@genie/core/conformance';
import { describe, expect, it } from 'vitest';
import type { GenomeStore } from '../genome/genome-store.ts';
import { openGenomeStore } from '../genome/sqlite-genome-store.ts';
import { genomeStoreSuite } from './genome-store-suite.ts';

type Change = (store: GenomeStore) => Partial<GenomeStore>;

async function run(change: Change, only?: string) {
  const cases = genomeStoreSuite.cases.filter((one) => only === undefined || one.name.startsWith(only));
  return runConformance({ ...genomeStoreSuite, cases }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'genie-genome-suite-'));
    const open = () => {
      const store = openGenomeStore({ path: join(folder, 'genomes.db') });
      return { ...store, ...change(store) };
    };
    const store = open();
    return {
      setup: { store, reopen: async () => open() },
      capabilities: new Set(['durable']),
      close: async () => {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  });
}

/** Broken stores and the case that must catch each. */
const mutants: readonly (readonly [string, string, Change])[] = [
  [
    'forgets defaults',
    'keeps what',
    (store) => ({
      getGenome: async (id) => {
        const { generation: _, ...rest } = (await store.getGenome(id)) ?? ({} as never);
        return rest as never;
      },
    }),
  ],
  [
    'merges instead of replacing',
    'keeps what',
    (store) => ({ putLayer: async (layer) => store.putLayer({ ...(await store.getLayer(layer.layerId)), ...layer }) }),
  ],
  [
    'keeps genomes in memory only',
    'survives',
    (store) => ({
      putGenome: async (genome) => genome as never,
      getGenome: async (id) => (id === 'never' ? store.getGenome(id) : undefined),
    }),
  ],
  ['accepts anything', 'refuses records', () => ({ putLayer: async (layer) => layer as never })],
  [
    'accepts unknown layers',
    'refuses genomes',
    (store) => ({ putGenome: (genome) => store.putGenome({ ...genome, layers: [] }) }),
  ],
  [
    'accepts layers of another base',
    'refuses layers',
    (store) => ({ putLayer: ({ baseModelHash: _, ...layer }) => store.putLayer(layer) }),
  ],
  [
    'publishes private layers',
    'lets no private',
    (store) => ({ putLayer: (layer) => store.putLayer({ ...layer, sharing: { ...layer.sharing, public: true } }) }),
  ],
  ['deletes what is used', 'deletes layers', () => ({ deleteLayer: async () => true })],
  [
    'says it deleted what was not there',
    'deletes layers',
    (store) => ({
      deleteLayer: async (id) => {
        await store.deleteLayer(id);
        return true;
      },
    }),
  ],
  [
    'compares vectors of different spaces',
    'searches by',
    (store) => ({
      putLayer: (layer) =>
        store.putLayer(layer.embedding ? { ...layer, embedding: { ...layer.embedding, space: 's' } } : layer),
    }),
  ],
  [
    'ignores the limit',
    'searches by',
    (store) => ({ searchLayers: ({ limit: _, ...search }) => store.searchLayers(search) }),
  ],
  [
    'orders by id',
    'searches by',
    (store) => ({
      searchLayers: async (search) =>
        [...(await store.searchLayers(search))].sort((left, right) =>
          left.record.layerId < right.record.layerId ? 1 : -1,
        ),
    }),
  ],
  [
    'takes any tag for all',
    'filters',
    (store) => ({
      searchLayers: ({ tags, ...search }) =>
        store.searchLayers({ ...search, ...(tags ? { tags: tags.slice(0, 1) } : {}) }),
    }),
  ],
  [
    'shows private layers',
    'filters',
    (store) => ({ searchLayers: ({ publicOnly: _, ...search }) => store.searchLayers(search) }),
  ],
  ['does not heed the signal', 'heeds', (store) => ({ putLayer: (layer) => store.putLayer(layer) })],
];

describe('genomeStoreSuite', () => {
  it('passes for the SQLite store', async () => {
    const report = await run(() => ({}));
    expect(report.results.map(({ name, status, reason }) => [name, reason ?? status])).toEqual(
      genomeStoreSuite.cases.map(({ name }) => [name, 'passed']),
    );
  });

  it.each(mutants)('catches a store that %s', async (_name, only, change) => {
    expect((await run(change, only)).failed).toBe(1);
  });

  it('has a mutant for every case', () => {
    for (const { name } of genomeStoreSuite.cases)
      expect(
        mutants.some(([, only]) => name.startsWith(only)),
        name,
      ).toBe(true);
  });
});
