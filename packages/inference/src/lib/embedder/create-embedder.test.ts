import type { EmbeddingModelV4 } from '@ai-sdk/provider';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEmbedder } from './create-embedder.ts';

const dot = (left: Float32Array, right: Float32Array) =>
  left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);

/** A model that answers as told and keeps what it was asked. */
function model(answer: (values: readonly string[]) => number[][], limit = Number.POSITIVE_INFINITY) {
  const asked: string[][] = [];
  const one: EmbeddingModelV4 = {
    specificationVersion: 'v4',
    provider: 'test',
    modelId: 'test-embedding',
    maxEmbeddingsPerCall: limit,
    supportsParallelCalls: true,
    doEmbed: async ({ values, abortSignal }) => {
      abortSignal?.throwIfAborted();
      asked.push(values);
      return { embeddings: answer(values), warnings: [] };
    },
  };
  return { one, asked };
}

describe('createEmbedder("hash")', () => {
  it('gives unit vectors for any text, the same each time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string(), { maxLength: 8 }), async (texts) => {
        const [left, right] = await Promise.all([
          createEmbedder('hash').embed(texts),
          createEmbedder('hash').embed(texts),
        ]);
        expect(left).toEqual(right);
        for (const vector of left) expect(Math.abs(dot(vector, vector) - 1)).toBeLessThan(1e-5);
      }),
    );
  });

  it('puts texts that share words nearer than others', async () => {
    const [query, near, far] = await createEmbedder('hash').embed([
      'how does the journal recover after a crash',
      'After a crash the journal recovers every completed step',
      'Bananas are cheaper in winter',
    ]);
    if (!query || !near || !far) throw new Error('vectors are missing');
    expect(dot(query, near)).toBeGreaterThan(dot(query, far) + 0.2);
  });

  it('never changes its vectors: they are stored', async () => {
    const [vector] = await createEmbedder('hash', { dimensions: 16 }).embed(['Genie']);
    expect([...(vector ?? [])].map((value) => Math.round(value * 1_000))).toMatchInlineSnapshot(`
      [
        -873,
        0,
        281,
        0,
        0,
        0,
        -281,
        0,
        0,
        0,
        0,
        0,
        -281,
        0,
        0,
        0,
      ]
    `);
  });

  it('refuses impossible dimensions', () => {
    expect(() => createEmbedder('hash', { dimensions: 3 })).toThrow(
      expect.objectContaining({ code: 'GENIE_EMBEDDER_INVALID' }),
    );
    expect(() => createEmbedder('other' as 'hash')).toThrow(
      expect.objectContaining({ code: 'GENIE_EMBEDDER_INVALID' }),
    );
  });
});

describe('createEmbedder(model)', () => {
  const lengths = (values: readonly string[]) => values.map((value) => [value.length, 1]);

  it('batches within both limits, embeds equal texts once, and caches', async () => {
    const { one, asked } = model(lengths, 2);
    const embedder = createEmbedder(one, { batchSize: 3 });
    const vectors = await embedder.embed(['a', 'bb', 'a', 'ccc', 'dddd']);
    expect(vectors.map((vector) => Math.round((vector[0] ?? 0) / (vector[1] ?? 1)))).toEqual([1, 2, 1, 3, 4]);
    expect(asked).toEqual([['a', 'bb'], ['dddd'], ['ccc']]);
    await Promise.all([embedder.embed(['a', 'new']), embedder.embed(['new'])]);
    expect(asked.at(-1)).toEqual(['new']);
    expect(embedder.stats()).toEqual({ hits: 2, misses: 5, calls: 3 });
    expect(embedder).toMatchObject({ id: 'test/test-embedding', dimensions: 2 });
  });

  it.each([
    ['too few vectors', () => [[1, 2]]],
    [
      'another dimension',
      (values: readonly string[]) => values.map((_, index) => Array.from({ length: index + 1 }, () => 1)),
    ],
    ['no number', (values: readonly string[]) => values.map(() => [Number.NaN, 1])],
    ['a zero vector', (values: readonly string[]) => values.map(() => [0, 0])],
  ])('refuses %s', async (_name, answer) => {
    await expect(createEmbedder(model(answer).one).embed(['a', 'b'])).rejects.toMatchObject({
      code: 'GENIE_EMBEDDING_INVALID',
    });
  });

  it('keeps nothing of a failed call', async () => {
    let fails = true;
    const { one } = model((values) => (fails ? [] : lengths(values)));
    const embedder = createEmbedder(one);
    await expect(embedder.embed(['a'])).rejects.toMatchObject({ code: 'GENIE_EMBEDDING_INVALID' });
    fails = false;
    expect(await embedder.embed(['a'])).toHaveLength(1);
    await expect(embedder.embed(['b'], { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
  });
});
