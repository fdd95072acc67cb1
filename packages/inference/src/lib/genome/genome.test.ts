import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GenomeInput, LayerInput } from './genome.ts';
import { canonicalLayers, genomeHash } from './genome-hash.ts';
import { openGenomeStore } from './sqlite-genome-store.ts';

const hash = (digit: string) => digit.repeat(64);
const layer = (layerId: string, more: Partial<LayerInput> = {}): LayerInput => ({
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
  createdAt: '2026-01-01T00:00:00Z',
  sharing: { public: true, licence: 'MIT' },
  ...more,
});
const genome = (genomeId: string, layers: readonly string[], more: Partial<GenomeInput> = {}): GenomeInput => ({
  version: 1,
  genomeId,
  personaId: 'p1',
  name: genomeId,
  baseModel: { id: 'base', contentHash: hash('b') },
  layers: layers.map((layerId, orderIndex) => ({ layerId, traitType: 'domain_expertise', orderIndex, weight: 0.5 })),
  createdAt: '2026-01-01T00:00:00Z',
  lastModified: '2026-01-01T00:00:00Z',
  sharing: { public: false, licence: 'MIT' },
  ...more,
});

describe('genomeHash', () => {
  it('is the same for stacks that give the same text', () => {
    const layers = fc.array(
      fc.record({ hash: fc.constantFrom('x', 'y', 'z'), weight: fc.integer({ min: -2, max: 2 }) }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(layers, fc.nat(), (stack, turn) => {
        const turned = stack.map((_, index) => stack[(index + turn) % stack.length] as (typeof stack)[number]);
        expect(genomeHash('base', turned)).toBe(genomeHash('base', stack));
        expect(genomeHash('base', [...stack, { hash: 'n', weight: 0 }])).toBe(genomeHash('base', stack));
        const sums = new Map<string, number>(canonicalLayers(stack).map((one) => [one.hash, one.weight]));
        for (const name of ['x', 'y', 'z']) {
          expect(sums.get(name) ?? 0).toBe(
            stack.filter((one) => one.hash === name).reduce((sum, one) => sum + one.weight, 0),
          );
        }
      }),
    );
  });

  it('differs with the base, a layer or a weight', () => {
    const hashes = [
      genomeHash('b', []),
      genomeHash('c', []),
      genomeHash('b', [{ hash: 'x', weight: 1 }]),
      genomeHash('b', [{ hash: 'x', weight: 0.5 }]),
    ];
    expect(new Set(hashes).size).toBe(4);
  });
});

describe('openGenomeStore', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'genie-genome-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('keeps records across processes, fills defaults, and refuses wrong ones', async () => {
    const path = join(folder, 'genomes.db');
    const first = openGenomeStore({ path });
    await first.putLayer(layer('math'));
    await first.putGenome(genome('g1', ['math']));
    await first.close();
    const second = openGenomeStore({ path });
    expect(await second.getGenome('g1')).toMatchObject({
      generation: 0,
      tags: [],
      layers: [{ layerId: 'math', weight: 0.5 }],
    });
    expect(await second.getLayer('none')).toBeUndefined();
    await expect(second.putLayer(layer('bad', { rank: 0 }))).rejects.toMatchObject({
      code: 'GENIE_GENOME_INVALID',
      message: expect.stringContaining('rank'),
    });
    await second.close();
    await second.close();
  });

  it('checks references: unknown layers, another base, private layers in public genomes, layers in use', async () => {
    const store = openGenomeStore({ path: ':memory:' });
    await store.putLayer(layer('math'));
    await store.putLayer(layer('foreign', { baseModelHash: hash('c') }));
    await store.putLayer(layer('private', { sharing: { public: false, licence: 'MIT' } }));
    await store.putGenome(genome('g1', ['math']));
    await expect(store.putGenome(genome('g2', ['none']))).rejects.toMatchObject({ code: 'GENIE_GENOME_UNKNOWN' });
    await expect(store.putGenome(genome('g2', ['foreign']))).rejects.toMatchObject({ code: 'GENIE_GENOME_INVALID' });
    await expect(
      store.putGenome(genome('g2', ['private'], { sharing: { public: true, licence: 'MIT' } })),
    ).rejects.toMatchObject({ code: 'GENIE_GENOME_INVALID' });
    await expect(store.deleteLayer('math')).rejects.toMatchObject({ code: 'GENIE_GENOME_INVALID' });
    expect(await store.deleteLayer('foreign')).toBe(true);
    expect(await store.deleteLayer('foreign')).toBe(false);
    await expect(store.getLayer('math', { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
    await store.close();
  });

  it('searches by similarity within one space, tags, trait and permission', async () => {
    const store = openGenomeStore({ path: ':memory:' });
    const put = (layerId: string, values: number[], more: Partial<LayerInput> = {}) =>
      store.putLayer(layer(layerId, { embedding: { space: 's', values }, ...more }));
    await put('near', [1, 0.1]);
    await put('far', [0, 1], { tags: ['x', 'y'] });
    await put('opposite', [-1, 0], { traitType: 'tone_and_voice', sharing: { public: false, licence: 'MIT' } });
    await store.putLayer(layer('other-space', { embedding: { space: 't', values: [1, 0] } }));
    const names = async (search: Parameters<typeof store.searchLayers>[0]) =>
      (await store.searchLayers(search)).map(({ record }) => record.layerId);
    const near = { space: 's', values: [1, 0] };
    expect(await names({ near })).toEqual(['near', 'far', 'opposite']);
    expect(await names({ near, limit: 1 })).toEqual(['near']);
    expect(await names({ near, publicOnly: true })).toEqual(['near', 'far']);
    expect(await names({ tags: ['x', 'y'] })).toEqual(['far']);
    expect(await names({ traitType: 'tone_and_voice' })).toEqual(['opposite']);
    await store.close();
  });

  it('names a file that is no store', async () => {
    const path = join(folder, 'not-a-store.db');
    await writeFile(path, 'this is text, not a database, and long enough to be read as a header of one'.repeat(20));
    expect(() => openGenomeStore({ path })).toThrow(expect.objectContaining({ code: 'GENIE_GENOME_STORE' }));
  });
});
