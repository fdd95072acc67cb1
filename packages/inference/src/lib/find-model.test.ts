import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findModel } from './find-model.ts';
import { writeTestModel } from './gguf/test-model.ts';

/** An Ollama server that lists these models. */
async function ollama(names: readonly string[]) {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ models: names.map((name) => ({ name, details: { family: 'llama' } })) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

const closed = '127.0.0.1:9';

describe('findModel', () => {
  it('goes in the stated order: explicit, keys, Ollama, offline', async () => {
    const server = await ollama(['nomic-embed-text:latest', 'qwen3:4b']);
    const environment = { GENIE_MODEL: 'offline', OPENAI_API_KEY: 'k', GEMINI_API_KEY: 'k', OLLAMA_HOST: server.host };
    const pick = async (model: string | undefined, keys: readonly (keyof typeof environment)[]) =>
      (
        await findModel({
          ...(model === undefined ? {} : { model }),
          environment: Object.fromEntries(keys.map((key) => [key, environment[key]])),
        })
      ).id;
    expect(await pick('ollama/x', ['GENIE_MODEL', 'OPENAI_API_KEY', 'OLLAMA_HOST'])).toBe('ollama/x');
    expect(await pick(undefined, ['GENIE_MODEL', 'OPENAI_API_KEY', 'OLLAMA_HOST'])).toBe('offline');
    expect(await pick(undefined, ['OPENAI_API_KEY', 'GEMINI_API_KEY', 'OLLAMA_HOST'])).toMatch(/^openai\//);
    expect(await pick(undefined, ['GEMINI_API_KEY', 'OLLAMA_HOST'])).toMatch(/^google\//);
    expect(await pick(undefined, ['OLLAMA_HOST'])).toBe('ollama/qwen3:4b');
    server.close();
    const nothing = await findModel({ environment: { OLLAMA_HOST: closed } });
    expect(nothing.model).toMatchObject({ provider: 'genie', modelId: 'offline' });
    expect(nothing.candidates.map(({ usable }) => usable)).toEqual([false, false, false, false, true]);
    expect(nothing.candidates[3]?.why).toContain(closed);
  });

  it('takes a local file when nothing else is there, and says why when it cannot', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'genie-find-'));
    const path = join(folder, 'tiny.gguf');
    await writeTestModel(path, { seed: 1 });
    const environment = { OLLAMA_HOST: closed, GENIE_LOCAL_MODEL: join(folder, 'none.gguf') };
    const found = await findModel({ environment, localModels: [path], llamaModule: 'any-module' });
    expect(found.id).toBe(`local/${path}`);
    expect(found.candidates.at(-2)?.why).toContain('none.gguf');
    await rm(folder, { recursive: true });
  });

  it('takes no embedding model and waits only as long as told', async () => {
    const server = await ollama(['nomic-embed-text:latest']);
    expect((await findModel({ environment: { OLLAMA_HOST: server.host } })).id).toBe('offline');
    server.close();
    const fetch: typeof globalThis.fetch = (_url, init) =>
      new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
    const startedAt = performance.now();
    expect((await findModel({ environment: {}, fetch, probeTimeoutMs: 30 })).id).toBe('offline');
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it('rejects with the reason of its signal', async () => {
    await expect(findModel({ environment: {}, signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
  });
});
