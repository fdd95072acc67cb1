import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeTestLayer, writeTestModel } from '@genie/inference/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkModels } from './check-models.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genie-doctor-'));
  await writeTestModel(join(folder, 'tiny.gguf'), { seed: 1 });
  await writeTestLayer(join(folder, 'layer.gguf'), { seed: 2 });
  await writeFile(join(folder, 'cut.gguf'), 'GGUF');
});
afterAll(() => rm(folder, { recursive: true }));

const nobody = '127.0.0.1:9';
const details = async (environment: Record<string, string>) =>
  (await checkModels({ OLLAMA_HOST: nobody, ...environment })).map(({ detail }) => detail);

describe('the model lines of genie doctor', { timeout: 60_000 }, () => {
  it('say of every place whether it is usable, why, and what a genie gets', async () => {
    const lines = await details({});
    expect(lines).toEqual([
      expect.stringMatching(/^anthropic\/\S+: not usable, no key: set ANTHROPIC_API_KEY/),
      expect.stringMatching(/^openai\/\S+: not usable, no key/),
      expect.stringMatching(/^google\/\S+: not usable, no key/),
      expect.stringMatching(/^ollama: not usable, no Ollama server answers at http:\/\/127\.0\.0\.1:9/),
      'local: not usable, no GGUF file is named: set GENIE_LOCAL_MODEL to the path of one',
      'offline: usable, always there; it has no neural network',
      'a genie that names none gets offline: no key and no local model was found',
    ]);
  });

  it('tick only what is usable', async () => {
    const checks = await checkModels({ OLLAMA_HOST: nobody });
    const ticked = checks.filter(({ status }) => status === 'ok').map(({ detail }) => detail.split(':')[0]);
    expect(ticked).toEqual(['offline', 'a genie that names none gets offline']);
    expect(new Set(checks.map(({ status }) => status))).toEqual(new Set(['ok', 'absent']));
  });

  it('list all models of an Ollama server, not only the first', async () => {
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ models: ['qwen3:4b', 'gemma3:4b'].map((name) => ({ name, details: {} })) }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const lines = await details({ OLLAMA_HOST: `127.0.0.1:${(server.address() as AddressInfo).port}` });
    server.close();
    expect(lines.filter((line) => /^ollama\/\S+: usable/.test(line))).toHaveLength(2);
    expect(lines.at(-1)).toMatch(/^a genie that names none gets ollama\/qwen3:4b/);
  });

  it('look into a GGUF file', async () => {
    const of = async (name: string) =>
      (await details({ GENIE_LOCAL_MODEL: join(folder, name) })).filter((line) => line.includes(name)).join('\n');
    expect(await of('tiny.gguf')).toMatch(/: usable, the file is a llama model[\s\S]*names none gets local\//);
    expect(await of('layer.gguf')).toContain('not usable, the file is a LoRA layer');
    expect(await of('cut.gguf')).toMatch(/not usable, .*GGUF/);
    expect(await of('none.gguf')).toMatch(/not usable, .*none\.gguf/);
  });

  it('fail when GENIE_MODEL cannot be used', async () => {
    expect(await checkModels({ GENIE_MODEL: 'nonsense' })).toEqual([
      { name: 'model', status: 'fail', detail: expect.stringContaining('GENIE_MODEL_ID'), fix: expect.any(String) },
    ]);
  });
});
