import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GenomeStore } from './genome-store.ts';
import { resolveGenome } from './resolve-genome.ts';
import { openGenomeStore } from './sqlite-genome-store.ts';

const content = Buffer.from('the bytes of a layer '.repeat(5_000));
const contentHash = createHash('sha256').update(content).digest('hex');
let folder: string;
let store: GenomeStore;
let asked = 0;
const server = createServer((request, response) => {
  asked += 1;
  if (request.url === '/missing') response.writeHead(404).end();
  else if (request.url === '/changed') response.end(Buffer.concat([content.subarray(1), Buffer.from('x')]));
  else if (request.url === '/endless') response.write(Buffer.concat([content, content]));
  else if (request.url === '/broken') response.write(content.subarray(0, 100), () => response.destroy());
  else response.end(content);
});

beforeEach(async () => {
  asked = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  folder = await mkdtemp(join(tmpdir(), 'genie-resolve-'));
  store = openGenomeStore({ path: ':memory:' });
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await store.close();
  await rm(folder, { recursive: true });
});

async function genomeOf(...locations: readonly string[]) {
  const sharing = { public: false, licence: 'MIT' };
  const createdAt = '2026-01-01T00:00:00Z';
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const [index, location] of locations.entries()) {
    await store.putLayer({
      version: 1,
      layerId: `l${index}`,
      name: 'x',
      traitType: 'domain_expertise',
      location: location.replace('http:/', origin),
      contentHash,
      sizeBytes: content.length,
      rank: 4,
      alpha: 8,
      architecture: 'llama',
      creator: 'ann',
      createdAt,
      sharing,
    });
  }
  const layers = locations.map((_, index) => ({
    layerId: `l${index}`,
    traitType: 'domain_expertise' as const,
    orderIndex: locations.length - index,
    weight: 0.5,
  }));
  await store.putGenome({
    version: 1,
    genomeId: 'g',
    personaId: 'p',
    name: 'g',
    baseModel: { id: 'tiny', contentHash: 'b'.repeat(64) },
    layers,
    createdAt,
    lastModified: createdAt,
    sharing,
  });
}

const resolve = (signal?: AbortSignal) =>
  resolveGenome(store, 'g', { folder, fetch: globalThis.fetch, ...(signal ? { signal } : {}) });

describe('resolveGenome', () => {
  it('takes paths as they are and fetches addresses once, in the order of the stack', async () => {
    await genomeOf('/layers/here.gguf', 'http://layer');
    const resolved = await resolve();
    expect(resolved).toMatchObject({ base: 'tiny', baseHash: 'b'.repeat(64) });
    expect(resolved.layers.map(({ path, hash, weight }) => [path, hash, weight])).toEqual([
      [join(folder, `${contentHash}.gguf`), contentHash, 0.5],
      ['/layers/here.gguf', contentHash, 0.5],
    ]);
    expect((await readFile(resolved.layers[0]?.path ?? '')).equals(content)).toBe(true);
    await Promise.all([resolve(), resolve()]);
    expect(asked).toBe(1);
  });

  it.each([
    ['/missing', 'GENIE_LAYER_MISSING'],
    ['/broken', 'GENIE_LAYER_MISSING'],
    ['/changed', 'GENIE_LAYER_CHANGED'],
    ['/endless', 'GENIE_LAYER_CHANGED'],
  ])('keeps nothing of %s', async (path, code) => {
    await genomeOf(`http:/${path}`);
    await expect(resolve()).rejects.toMatchObject({ code });
    expect(await readdir(folder)).toEqual([]);
  });

  it('knows what is not stored, and stops when aborted', async () => {
    await expect(resolve()).rejects.toMatchObject({ code: 'GENIE_GENOME_UNKNOWN' });
    await genomeOf('http://layer');
    await expect(resolve(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(asked).toBe(0);
  });
});
