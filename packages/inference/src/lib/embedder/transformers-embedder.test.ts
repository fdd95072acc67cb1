import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTestExtractor } from '../onnx/test-extractor.ts';
import { createEmbedder } from './create-embedder.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genie-embedder-'));
  await writeTestExtractor(join(folder, 'org', 'tiny'), { seed: 5 });
});
afterAll(() => rm(folder, { recursive: true }));

const dot = (left: Float32Array, right: Float32Array) =>
  left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);

describe('writeTestExtractor', () => {
  it('gives the same bytes on every machine', async () => {
    const hash = createHash('sha256');
    for (const name of ['onnx/model.onnx', 'tokenizer.json', 'config.json'])
      hash.update(await readFile(join(folder, 'org', 'tiny', name)));
    expect(hash.digest('hex')).toBe('4bbc89dd7fe53e9be7811f3dcf3623b90b7e1ff9b12f07395cd609e89af7c2dd');
  });
});

describe('createEmbedder("transformers/…")', () => {
  it('embeds in a thread with a real ONNX runtime, by id and by folder', { timeout: 60_000 }, async () => {
    await using byId = createEmbedder('transformers/org/tiny', { modelFolder: folder, batchSize: 2 });
    const texts = ['the journal recovers', 'the journal recovered', 'bananas', 'x'.repeat(4_000), 'été 😀'];
    const vectors = await byId.embed(texts);
    expect(byId).toMatchObject({ id: 'transformers/org/tiny', dimensions: 32 });
    for (const vector of vectors) expect(Math.abs(dot(vector, vector) - 1)).toBeLessThan(1e-5);
    const [journal, near, far] = vectors as [Float32Array, Float32Array, Float32Array];
    expect(dot(journal, near)).toBeGreaterThan(dot(journal, far));
    expect(byId.stats()).toMatchObject({ calls: 3, misses: 5 });
    await byId.embed(texts);
    expect(byId.stats()).toMatchObject({ calls: 3, hits: 5 });

    await using byFolder = createEmbedder(`transformers/${join(folder, 'org', 'tiny')}`, { dimensions: 32 });
    // Padding to the longest of a batch must change nothing.
    const alone = await byFolder.embed([texts[2] ?? '']);
    expect(dot(alone[0] as Float32Array, far)).toBeGreaterThan(0.999_99);
  });

  it('leaves the main thread free, hears an abort at once and closes after what runs', {
    timeout: 60_000,
  }, async () => {
    const embedder = createEmbedder('transformers/org/tiny', { modelFolder: folder, threads: 2, cacheEntries: 0 });
    await embedder.embed(['warm', 'up']);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const work = Array.from({ length: 40 }, (_, index) => embedder.embed([`text ${index} `.repeat(10)]));
    await Promise.all(work);
    delay.disable();
    expect(delay.percentile(99) / 1e6).toBeLessThan(100);
    const controller = new AbortController();
    const aborted = embedder.embed(
      Array.from({ length: 64 }, (_, index) => `${index} `.repeat(50)),
      {
        signal: controller.signal,
      },
    );
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await embedder.close();
    await embedder.close();
  });

  it('says what is wrong with a folder, a model and a missing package', { timeout: 60_000 }, async () => {
    const invalid = expect.objectContaining({
      code: 'GENIE_EMBEDDER_INVALID',
      message: expect.stringContaining('git clone https://huggingface.co/'),
    });
    expect(() => createEmbedder('transformers/org/none', { modelFolder: folder })).toThrow(invalid);
    await mkdir(join(folder, 'empty'), { recursive: true });
    expect(() => createEmbedder(`transformers/${join(folder, 'empty')}`)).toThrow(invalid);
    expect(() => createEmbedder('transformers/org/tiny', { modelFolder: folder, threads: 0 })).toThrow(
      expect.objectContaining({ code: 'GENIE_EMBEDDER_INVALID' }),
    );
    await using missing = createEmbedder('transformers/org/tiny', {
      modelFolder: folder,
      transformersModule: 'no-such-package-at-all',
    });
    await expect(missing.embed(['x'])).rejects.toMatchObject({
      code: 'GENIE_MODEL_PEER_MISSING',
      message: expect.stringContaining('npm install @huggingface/transformers'),
    });
    await using narrow = createEmbedder('transformers/org/tiny', { modelFolder: folder, dimensions: 16 });
    await expect(narrow.embed(['x'])).rejects.toMatchObject({ code: 'GENIE_EMBEDDING_INVALID' });
    await writeTestExtractor(join(folder, 'cut'), { seed: 6 });
    await truncate(join(folder, 'cut', 'onnx', 'model.onnx'), 2_000);
    await using cut = createEmbedder(`transformers/${join(folder, 'cut')}`);
    await expect(cut.embed(['x'])).rejects.toMatchObject({ code: 'GENIE_MODEL_LOAD' });
  });
});
