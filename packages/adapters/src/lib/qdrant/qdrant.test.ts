import { runConformance } from '@genie/core/conformance';
import { suiteDimension, vectorStoreSuite } from '@genie/memory/conformance';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QdrantServer, startQdrantServer } from '../testing/qdrant-server.ts';
import { openQdrantStore, type QdrantOptions } from './qdrant-store.ts';

let server: QdrantServer;
let counter = 0;
beforeAll(async () => {
  server = await startQdrantServer('secret');
});
afterAll(() => server.close());

function open(options: Partial<QdrantOptions> = {}) {
  return openQdrantStore({
    url: server.url,
    apiKey: 'secret',
    collection: `c${counter}`,
    dimension: suiteDimension,
    fetch: globalThis.fetch,
    ...options,
  });
}

const vector = (seed: number) =>
  Float32Array.from({ length: suiteDimension }, (_, index) => Math.sin((seed + 1) * (index + 1) * 1.37));

describe('openQdrantStore', () => {
  it('passes the vector store suite', async () => {
    const report = await runConformance(vectorStoreSuite, async () => {
      counter += 1;
      return { setup: { store: await open() } };
    });
    expect(report.results.filter((result) => result.status !== 'passed')).toEqual([]);
  });

  it('finds its vectors again, page by page, whatever their ids hold', async () => {
    counter += 1;
    const ids = ['a', 'A', 'a/b', 'größe', 'nul \u0000', 'lone \ud800', '🧞', 'x'.repeat(5_000)];
    const store = await open();
    await store.add(
      [...ids, ...Array.from({ length: 1_200 }, (_, index) => `n${index}`)].map((id, index) => ({
        id,
        vector: vector(index),
      })),
    );
    const again = await open();
    expect(again.size).toBe(1_208);
    expect(ids.every((id) => again.has(id))).toBe(true);
    expect((await again.search(vector(5), 1))[0]?.id).toBe(ids[5]);
  });

  it('refuses a collection of another dimension, and names that cannot be used', async () => {
    counter += 1;
    await open();
    await expect(open({ dimension: 3 })).rejects.toMatchObject({ code: 'GENIE_QDRANT_OPTIONS' });
    await expect(open({ collection: '../x' })).rejects.toMatchObject({ code: 'GENIE_QDRANT_OPTIONS' });
    await expect(open({ url: 'qdrant' })).rejects.toMatchObject({ code: 'GENIE_QDRANT_OPTIONS' });
  });

  it('rejects with a code when the server refuses, fails, is gone or never answers, and keeps what it has', async () => {
    counter += 1;
    await expect(open({ apiKey: 'wrong' })).rejects.toMatchObject({
      code: 'GENIE_QDRANT_FAILED',
      message: expect.stringContaining('401'),
    });
    const store = await open({ timeoutMs: 200 });
    await store.add([{ id: 'a', vector: vector(1) }]);
    server.failNext(503, 1);
    await expect(store.add([{ id: 'b', vector: vector(2) }])).rejects.toMatchObject({ code: 'GENIE_QDRANT_FAILED' });
    expect([store.size, store.has('b')]).toEqual([1, false]);
    const silent = await startQdrantServer('secret');
    const other = await openQdrantStore({
      url: silent.url,
      apiKey: 'secret',
      collection: 'c',
      dimension: suiteDimension,
      fetch: globalThis.fetch,
      timeoutMs: 200,
    });
    silent.hang();
    await expect(other.add([{ id: 'a', vector: vector(1) }])).rejects.toMatchObject({ code: 'GENIE_QDRANT_FAILED' });
    await silent.close();
    await expect(other.add([{ id: 'a', vector: vector(1) }])).rejects.toMatchObject({ code: 'GENIE_QDRANT_FAILED' });
  });

  it.each(['null', '[]', '<html>Bad gateway</html>', ''])(
    'rejects with a code when a proxy answers %j for it',
    async (page) => {
      const answer = async () => new Response(page, { status: 200 });
      const options = { url: 'http://qdrant.test', collection: 'c', dimension: 3, fetch: answer as typeof fetch };
      await expect(openQdrantStore(options)).rejects.toMatchObject({ code: 'GENIE_QDRANT_FAILED' });
    },
  );
});
