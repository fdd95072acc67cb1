import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { findModel } from './find-model.ts';

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
