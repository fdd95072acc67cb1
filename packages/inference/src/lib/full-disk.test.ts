import { createHash } from 'node:crypto';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { resolveGenome } from './genome/resolve-genome.ts';
import { openGenomeStore } from './genome/sqlite-genome-store.ts';
import { mountSmallDisk } from './testing/small-disk.ts';
import { StateFiles } from './worker/state-files.ts';

const probe = mountSmallDisk(8_192);
if ('reason' in probe) console.log(`A really full disk is not tested here: ${probe.reason}`);
else probe.unmount();

function smallDisk(bytes: number, files?: number): string {
  const disk = mountSmallDisk(bytes, files);
  if ('reason' in disk) throw new Error(disk.reason);
  onTestFinished(disk.unmount);
  return disk.path;
}

const content = Buffer.from('the bytes of a layer '.repeat(5_000));
const contentHash = createHash('sha256').update(content).digest('hex');

async function storeWithLayer() {
  const store = openGenomeStore({ path: ':memory:' });
  const more = { createdAt: '2026-01-01T00:00:00Z', sharing: { public: false, licence: 'MIT' } };
  await store.putLayer({
    ...more,
    version: 1,
    layerId: 'l0',
    creator: 'ann',
    name: 'x',
    traitType: 'domain_expertise',
    location: 'https://layers.example/l0.gguf',
    contentHash,
    sizeBytes: content.length,
    rank: 4,
    alpha: 8,
    architecture: 'llama',
  });
  await store.putGenome({
    ...more,
    version: 1,
    genomeId: 'g',
    personaId: 'p',
    lastModified: more.createdAt,
    name: 'x',
    baseModel: { id: 'tiny', contentHash },
    layers: [{ layerId: 'l0', weight: 1, orderIndex: 0, traitType: 'domain_expertise' }],
  });
  return store;
}

describe.skipIf('reason' in probe)('a disk that is really full', () => {
  it('keeps no layer that was written in part, and fetches it once there is room', async () => {
    // The last piece of the layer is written in part, which is no error of the system yet.
    const folder = smallDisk(25 * 4_096);
    const store = await storeWithLayer();
    const fetch = async () => new Response(content);
    await expect(resolveGenome(store, 'g', { folder, fetch })).rejects.toMatchObject({
      code: 'GENIE_LAYER_MISSING',
      message: expect.stringContaining('ENOSPC'),
    });
    expect(await readdir(folder)).toEqual([]);
    const roomy = smallDisk(64 * 4_096);
    const path = join(roomy, `${contentHash}.gguf`);
    for (const bytes of [undefined, 1_000]) {
      if (bytes !== undefined) await truncate(path, bytes);
      expect((await resolveGenome(store, 'g', { folder: roomy, fetch })).layers[0]?.path).toBe(path);
      expect((await readFile(path)).equals(content)).toBe(true);
    }
    await store.close();
  });

  it('costs an engine its states, not its start', async () => {
    // Room for its root and one more.
    const folder = smallDisk(8_192, 2);
    await writeFile(join(folder, 'ballast'), '');
    const states = await StateFiles.open(join(folder, 'states'), 1_000_000);
    expect(await states.save({ key: 'a', tokens: 100, estimatedBytes: 10, write: async () => undefined })).toBe(false);
    expect(await states.restore('a', async () => undefined)).toBe(false);
    await states.close();
  });
});
