import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Memory } from '../memory.ts';
import { openMemory } from '../open-memory.ts';
import { createDotKernel, createWideKernel } from './dot-kernel.ts';
import type { AnyEmbedder } from './embedder.ts';
import { createInt8Scan, createInt8ScanWith } from './int8-scan.ts';
import { topSlots } from './top-slots.ts';
import { dotProduct, toUnitVector } from './unit-vector.ts';
import { openVectraStore } from './vectra-store.ts';
import { signed, unsigned } from './wasm-encoder.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'genie-vectors-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Meaning by hand: each list of words is one direction. */
const directions = [
  ['ship', 'boat', 'vessel'],
  ['dog', 'hound', 'puppy'],
  ['bread', 'loaf', 'baker'],
];
const embedder: AnyEmbedder = {
  id: 'by-hand',
  embed: async (texts) =>
    texts.map((text) => [...directions.map((words) => (words.some((word) => text.includes(word)) ? 1 : 0)), 0.1]),
};

async function settle(memory: Memory): Promise<void> {
  for (let tries = 0; tries < 200 && (await memory.stats()).waitingForEmbedding > 0; tries += 1)
    await memory.consolidate();
}

describe('recall with an embedder', () => {
  it('finds by meaning what shares no word, and by words what has no vector yet', async () => {
    const memory = openMemory({ dir, embedder });
    await memory.remember([
      { id: 'a', text: 'The vessel left the harbour' },
      { id: 'b', text: 'A puppy in the snow' },
    ]);
    expect((await memory.recall('vessel')).items[0]?.id).toBe('a');
    await settle(memory);
    const { items, degraded } = await memory.recall('boat');
    expect([items[0]?.id, degraded]).toEqual(['a', undefined]);
    expect(items[0]?.why.vector).toBeGreaterThan(0.9);
    await memory.close();
    const later = openMemory({ dir, embedder });
    expect((await later.recall('hound')).items[0]?.id).toBe('b');
    await later.forget({ id: 'b' });
    expect((await later.recall('hound')).items.map(({ id }) => id)).not.toContain('b');
    await later.close();
    expect((await readdir(path.join(dir, 'vectors'))).filter((name) => name.endsWith('.int8'))).toHaveLength(1);
  });

  it('builds a vector cache again that is damaged or missing', async () => {
    const memory = openMemory({ dir, embedder });
    await memory.remember([{ id: 'a', text: 'The vessel left' }]);
    await settle(memory);
    await memory.recall('boat');
    await memory.close();
    const folder = path.join(dir, 'vectors');
    for (const name of await readdir(folder)) await writeFile(path.join(folder, name), 'damaged');
    const later = openMemory({ dir, embedder });
    expect((await later.recall('boat')).items[0]?.id).toBe('a');
    await later.close();
  });

  it.each<[string, AnyEmbedder]>([
    [
      'throws',
      {
        id: 'x',
        embed: async () => {
          throw new Error('no network');
        },
      },
    ],
    ['hangs', { id: 'x', embed: () => new Promise(() => undefined) }],
    ['answers NaN', { id: 'x', embed: async (texts) => texts.map(() => [1, Number.NaN]) }],
    ['answers zeros', { id: 'x', embed: async (texts) => texts.map(() => [0, 0]) }],
    ['answers too few', { id: 'x', embed: async () => [] }],
    ['answers another dimension', { id: 'by-hand', embed: async (texts) => texts.map(() => [1, 2]) }],
  ])('answers by words and says so when the embedder %s', async (_name, broken) => {
    const good = openMemory({ dir, embedder });
    await good.remember({ id: 'a', text: 'The vessel left' });
    await settle(good);
    await good.close();
    const memory = openMemory({ dir, embedder: broken, embedTimeoutMs: 50 });
    await memory.remember({ id: 'b', text: 'The vessel came back' });
    const { items, degraded } = await memory.recall('vessel');
    expect(items.map(({ id }) => id).sort()).toEqual(['a', 'b']);
    expect(degraded).toBeTypeOf('string');
    expect((await memory.verify()).problems).toEqual([]);
  });

  it('searches in Vectra when it is told to', async () => {
    const { LocalIndex } = await import('vectra');
    const folder = path.join(dir, 'vectra');
    const openVectorStore = async ({ dimension }: { dimension: number }) =>
      openVectraStore({ index: new LocalIndex(folder), dimension });
    const memory = openMemory({ dir, embedder, openVectorStore });
    await memory.remember([
      { id: 'a', text: 'The vessel left' },
      { id: 'b', text: 'A puppy' },
    ]);
    await settle(memory);
    expect((await memory.recall('boat')).items[0]?.id).toBe('a');
    await memory.forget({ id: 'a' });
    expect((await memory.recall('boat')).items.map(({ id }) => id)).not.toContain('a');
    await memory.close();
    const later = openMemory({ dir, embedder, openVectorStore });
    expect((await later.recall('hound')).items[0]?.id).toBe('b');
    await later.close();
  });

  it('takes an AI SDK embedding model too', async () => {
    const model: AnyEmbedder = {
      provider: 'p',
      modelId: 'm',
      doEmbed: async ({ values }) => ({ embeddings: await embedderAnswers(values) }),
    };
    const memory = openMemory({ store: ':memory:', embedder: model });
    await memory.remember({ id: 'a', text: 'fresh loaf' });
    await settle(memory);
    expect((await memory.recall('baker')).items[0]?.id).toBe('a');
    await memory.close();
  });
});

const embedderAnswers = async (values: string[]): Promise<number[][]> =>
  'embed' in embedder ? (await embedder.embed(values)).map((vector) => Array.from(vector)) : [];

describe.each([
  ['relaxed SIMD', createDotKernel],
  ['plain SIMD', createWideKernel],
])('the scan with %s', (_name, createKernel) => {
  it('finds what a comparison with every vector finds, for any dimension and size', async () => {
    const shape = fc.record({
      dimension: fc.integer({ min: 1, max: 70 }),
      count: fc.integer({ min: 1, max: 400 }),
      seed: fc.integer(),
      /** How much larger the first number of a vector is than the others: the worst case for numbers of few bits. */
      outlier: fc.constantFrom(1, 5, 40),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ dimension, count, seed, outlier }) => {
        let state = seed >>> 0;
        const next = (): number => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          return state / 2_147_483_648 - 1 || 0.5;
        };
        const units = new Map(
          Array.from({ length: count }, (_one, at) => [
            `v${at}`,
            toUnitVector(
              Float32Array.from({ length: dimension }, (_one, place) => next() * (place === 0 ? outlier : 1)),
              undefined,
              'v',
            ),
          ]),
        );
        const exactVectors = async (ids: readonly string[]) =>
          new Map(ids.flatMap((id) => (units.has(id) ? [[id, units.get(id) ?? new Float32Array()]] : [])));
        const scan = createInt8ScanWith({ dimension, exactVectors }, createKernel);
        await scan.add([...units].map(([id, vector]) => ({ id, vector })));
        const query = toUnitVector(Float32Array.from({ length: dimension }, next), undefined, 'q');
        const truth = [...units]
          .map(([id, unit]) => ({ id, similarity: dotProduct(query, unit) }))
          .sort((left, right) => right.similarity - left.similarity || (left.id < right.id ? -1 : 1));
        const found = await scan.search(query, 5);
        // Equal neighbours may swap in the last bit, so similarities are compared and not names.
        found.forEach(({ similarity }, at) => {
          expect(similarity).toBeCloseTo(truth[at]?.similarity ?? 9, 5);
        });
        expect(found).toHaveLength(Math.min(5, count));
      }),
      { numRuns: 60 },
    );
  });

  it('stays right when vectors are replaced and removed', async () => {
    const units = new Map<string, Float32Array>();
    const put = (id: string, angle: number): { id: string; vector: Float32Array } => {
      units.set(id, Float32Array.from([Math.cos(angle), Math.sin(angle), 0.1]));
      return { id, vector: units.get(id) ?? new Float32Array() };
    };
    const exactVectors = async (ids: readonly string[]) =>
      new Map(ids.map((id) => [id, toUnitVector(units.get(id) ?? [0], undefined, id)]));
    const scan = createInt8ScanWith({ dimension: 3, exactVectors }, createKernel);
    await scan.add(Array.from({ length: 300 }, (_one, at) => put(`v${at}`, at / 50)));
    await scan.remove(Array.from({ length: 150 }, (_one, at) => `v${at * 2}`));
    await scan.add([put('v7', 3), put('new', 2)]);
    expect(scan.size).toBe(151);
    const [first] = await scan.search([Math.cos(2), Math.sin(2), 0.1], 3);
    expect(first?.id).toBe('new');
    expect((await scan.search([Math.cos(3), Math.sin(3), 0.1], 1))[0]?.id).toBe('v7');
    expect((await scan.search([Math.cos(0.04), Math.sin(0.04), 0.1], 400)).map(({ id }) => id)).not.toContain('v2');
  });
});

describe('topSlots', () => {
  it('gives the numbers of the largest values, earlier ones first among equals', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 5 })), fc.integer({ min: 0, max: 30 }), (values, limit) => {
        const found = Array.from(topSlots(Float32Array.from(values), limit)).sort((left, right) => left - right);
        const expected = values
          .map((value, at) => ({ value, at }))
          .sort((left, right) => right.value - left.value || left.at - right.at)
          .slice(0, limit)
          .map(({ at }) => at)
          .sort((left, right) => left - right);
        expect(found).toEqual(expected);
      }),
    );
  });
});

describe('createInt8Scan', () => {
  it('refuses a dimension that it cannot hold', () => {
    for (const dimension of [0, -1, 1.5, 100_000]) {
      expect(() => createInt8Scan({ dimension, exactVectors: async () => new Map() })).toThrow(RangeError);
    }
  });
});

describe('LEB128', () => {
  it('encodes as the WebAssembly specification says', () => {
    expect(unsigned(624_485)).toEqual([0xe5, 0x8e, 0x26]);
    expect(signed(-123_456)).toEqual([0xc0, 0xbb, 0x78]);
    expect(signed(63)).toEqual([63]);
    expect(signed(64)).toEqual([0xc0, 0]);
  });
});
