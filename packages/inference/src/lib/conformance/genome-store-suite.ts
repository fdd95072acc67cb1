import { type ConformanceSuite, expectCode, expectEqual, expectThat } from '@genie/core/conformance';
import type { GenomeInput, LayerInput } from '../genome/genome.ts';
import type { GenomeSearch, GenomeStore } from '../genome/genome-store.ts';

/** An empty store, and how to open what it wrote again as another process would. */
export interface GenomeStoreSetup {
  readonly store: GenomeStore;
  /** Needed by the capability `durable`. */
  reopen?(): Promise<GenomeStore>;
}

const hash = (digit: string) => digit.repeat(64);
const at = '2026-01-01T00:00:00Z';

function layer(layerId: string, more: Partial<LayerInput> = {}): LayerInput {
  const sharing = { public: true, licence: 'MIT' };
  return {
    version: 1,
    layerId,
    name: layerId,
    traitType: 'domain_expertise',
    location: `/layers/${layerId}.gguf`,
    contentHash: hash('a'),
    sizeBytes: 10,
    rank: 8,
    alpha: 16,
    architecture: 'llama',
    creator: 'ann',
    createdAt: at,
    sharing,
    ...more,
  };
}

function genome(genomeId: string, layers: readonly string[], more: Partial<GenomeInput> = {}): GenomeInput {
  const stack = layers.map((layerId, orderIndex) => ({
    layerId,
    traitType: 'domain_expertise' as const,
    orderIndex,
    weight: 0.5,
  }));
  const sharing = { public: false, licence: 'MIT' };
  return {
    version: 1,
    genomeId,
    personaId: 'p1',
    name: genomeId,
    baseModel: { id: 'base', contentHash: hash('b') },
    layers: stack,
    createdAt: at,
    lastModified: at,
    sharing,
    ...more,
  };
}

/** What every store of genomes and layers promises. Capability `durable`: records survive the process. */
export const genomeStoreSuite: ConformanceSuite<GenomeStoreSetup> = {
  port: 'GenomeStore',
  cases: [
    {
      name: 'keeps what was put, with defaults filled in, and replaces by id',
      run: async ({ store }) => {
        await store.putLayer(layer('math', { tags: ['x'] }));
        await store.putGenome(genome('g1', ['math']));
        const found = await store.getGenome('g1');
        expectEqual(found?.layers, genome('g1', ['math']).layers, 'layers');
        expectEqual([found?.generation, found?.tags, found?.parentGenomes], [0, [], []], 'defaults');
        await store.putLayer(layer('math', { rank: 16 }));
        const replaced = await store.getLayer('math');
        expectEqual([replaced?.rank, replaced?.tags], [16, []], 'replaced layer');
        expectEqual(await store.getLayer('none'), undefined, 'an unknown layer');
        expectEqual(await store.getGenome('none'), undefined, 'an unknown genome');
      },
    },
    {
      name: 'survives the process',
      requires: 'durable',
      run: async ({ store, reopen }) => {
        await store.putLayer(layer('math'));
        await store.putGenome(genome('g1', ['math']));
        await store.close();
        expectThat(reopen, 'the capability "durable" needs "reopen"');
        const again = await reopen();
        expectEqual((await again.getGenome('g1'))?.genomeId, 'g1', 'the genome');
        expectEqual((await again.getLayer('math'))?.layerId, 'math', 'the layer');
        await again.close();
      },
    },
    {
      name: 'refuses records that are not valid',
      run: async ({ store }) => {
        await expectCode(store.putLayer(layer('bad', { rank: 0 })), 'GENIE_GENOME_INVALID');
        await expectCode(store.putLayer(layer('bad', { contentHash: 'abc' })), 'GENIE_GENOME_INVALID');
        await expectCode(store.putGenome({ ...genome('bad', []), version: 2 as 1 }), 'GENIE_GENOME_INVALID');
        expectEqual(await store.getLayer('bad'), undefined, 'a refused layer');
      },
    },
    {
      name: 'refuses genomes with unknown layers',
      run: async ({ store }) => {
        await expectCode(store.putGenome(genome('g1', ['none'])), 'GENIE_GENOME_UNKNOWN');
        expectEqual(await store.getGenome('g1'), undefined, 'a refused genome');
      },
    },
    {
      name: 'refuses layers of another base',
      run: async ({ store }) => {
        await store.putLayer(layer('foreign', { baseModelHash: hash('c') }));
        await store.putLayer(layer('own', { baseModelHash: hash('b') }));
        await expectCode(store.putGenome(genome('g1', ['foreign'])), 'GENIE_GENOME_INVALID');
        await store.putGenome(genome('g2', ['own']));
      },
    },
    {
      name: 'lets no private layer into a public genome',
      run: async ({ store }) => {
        await store.putLayer(layer('private', { sharing: { public: false, licence: 'MIT' } }));
        await expectCode(
          store.putGenome(genome('g1', ['private'], { sharing: { public: true, licence: 'MIT' } })),
          'GENIE_GENOME_INVALID',
        );
        await store.putGenome(genome('g2', ['private']));
      },
    },
    {
      name: 'deletes layers that nobody uses, and no others',
      run: async ({ store }) => {
        await store.putLayer(layer('used'));
        await store.putLayer(layer('free'));
        await store.putGenome(genome('g1', ['used']));
        await expectCode(store.deleteLayer('used'), 'GENIE_GENOME_INVALID');
        expectEqual(
          [await store.deleteLayer('free'), await store.deleteLayer('free')],
          [true, false],
          'answers of delete',
        );
        expectEqual(await store.getLayer('free'), undefined, 'a deleted layer');
      },
    },
    {
      name: 'searches by similarity within one space',
      run: async ({ store }) => {
        const put = (layerId: string, values: number[], space = 's') =>
          store.putLayer(layer(layerId, { embedding: { space, values } }));
        await put('opposite', [-1, 0]);
        await put('far', [0, 3]);
        await put('near', [5, 0.1]);
        await put('other-space', [1, 0], 't');
        await put('other-size', [1, 0, 0]);
        await store.putLayer(layer('without'));
        const near = { space: 's', values: [1, 0] };
        expectEqual(await names(store, { near }), ['near', 'far', 'opposite'], 'order');
        expectEqual(await names(store, { near, limit: 1 }), ['near'], 'limit');
        const [best] = await store.searchLayers({ near });
        expectThat(best && best.score > 0.99 && best.score <= 1 + 1e-9, `the score of the nearest is ${best?.score}`);
      },
    },
    {
      name: 'filters by tags, trait and permission',
      run: async ({ store }) => {
        await store.putLayer(layer('both', { tags: ['x', 'y'] }));
        await store.putLayer(layer('one', { tags: ['x'] }));
        await store.putLayer(
          layer('voice', { traitType: 'tone_and_voice', sharing: { public: false, licence: 'MIT' } }),
        );
        expectEqual(await names(store, { tags: ['x', 'y'] }), ['both'], 'all tags');
        expectEqual(await names(store, { traitType: 'tone_and_voice' }), ['voice'], 'trait');
        expectEqual([...(await names(store, { publicOnly: true }))].sort(), ['both', 'one'], 'public only');
        await store.putGenome(genome('g1', ['both'], { tags: ['z'] }));
        expectEqual(
          (await store.searchGenomes({ tags: ['z'] })).map(({ record }) => record.genomeId),
          ['g1'],
          'genomes',
        );
      },
    },
    {
      name: 'heeds its signal before it writes',
      run: async ({ store }) => {
        const reason = new Error('enough');
        const work = store.putLayer(layer('math'), { signal: AbortSignal.abort(reason) });
        const thrown = await work.then(
          () => undefined,
          (error: unknown) => error,
        );
        expectThat(thrown === reason, `put rejected with ${String(thrown)}`);
        expectEqual(await store.getLayer('math'), undefined, 'a layer that was aborted');
      },
    },
  ],
};

async function names(store: GenomeStore, search: GenomeSearch): Promise<readonly string[]> {
  return (await store.searchLayers(search)).map(({ record }) => record.layerId);
}
