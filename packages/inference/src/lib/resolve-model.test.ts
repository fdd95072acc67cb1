import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runConformance } from '@genie/core/conformance';
import { afterAll, describe, expect, it } from 'vitest';
import { modelSuite, scenarioFacts } from './conformance/model-suite.ts';
import { writeTestModel } from './gguf/test-model.ts';
import { resolveModel } from './resolve-model.ts';
import { findLlama } from './testing/find-llama.ts';
import { anthropicFormat } from './wire/anthropic-format.ts';
import { chatCompletionsFormat } from './wire/chat-completions-format.ts';
import { googleFormat } from './wire/google-format.ts';
import { ollamaFormat } from './wire/ollama-format.ts';
import { openaiFormat } from './wire/openai-format.ts';
import { startWireServer, type WireServer } from './wire/wire-server.ts';

const formats = [
  ['anthropic/m', anthropicFormat, '/v1'],
  ['openai/m', openaiFormat, '/v1'],
  ['google/m', googleFormat, '/v1beta'],
  ['openai-compatible/m', chatCompletionsFormat, '/v1'],
  ['ollama/m', ollamaFormat, ''],
] as const;

describe.each(formats)('resolveModel(%j) against its wire format', (id, format, prefix) => {
  let server: Promise<WireServer> | undefined;
  const start = () => {
    server ??= startWireServer(format);
    return server;
  };
  afterAll(async () => {
    await (await start()).close();
  });

  it.each(modelSuite.cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const { url, requests } = await start();
    const report = await runConformance({ ...modelSuite, cases: [one] }, async () => ({
      setup: {
        model: (scenario) => resolveModel(id, { apiKey: scenarioFacts.key, baseURL: `${url}/${scenario}${prefix}` }),
        requests: () => requests,
      },
      capabilities: new Set(['errors-in-stream']),
    }));
    expect(report.results.map(({ status, reason }) => reason ?? status)).toEqual(['passed']);
  });
});

describe('resolveModel', () => {
  it.each([
    ['nonsense', 'GENIE_MODEL_ID'],
    ['nobody/x', 'GENIE_MODEL_ID'],
    ['ollama/', 'GENIE_MODEL_ID'],
    ['__proto__/x', 'GENIE_MODEL_ID'],
    ['anthropic/x', 'GENIE_MODEL_KEY_MISSING'],
    ['openai-compatible/x', 'GENIE_MODEL_BASE_URL'],
  ])('refuses %s with %s', (id, code) => {
    expect(() => resolveModel(id)).toThrow(expect.objectContaining({ code }));
  });

  it('takes the key from the environment that it is given', async () => {
    const seen: string[] = [];
    const fetch: typeof globalThis.fetch = async (_url, init) => {
      seen.push(new Headers(init?.headers).get('x-goog-api-key') ?? '');
      return new Response('{}', { status: 401 });
    };
    const model = resolveModel('google/m', { environment: { GEMINI_API_KEY: ' from-environment ' }, fetch });
    await expect(
      model.doGenerate({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] }),
    ).rejects.toMatchObject({ code: 'GENIE_MODEL_AUTH' });
    expect(seen).toEqual(['from-environment']);
  });

  it('lets a pending approval and a refusal of the egress filter through as they are', async () => {
    const { GenieError } = await import('@genie/core/errors');
    for (const code of ['GENIE_APPROVAL_REQUIRED', 'GENIE_EGRESS_DENIED'] as const) {
      for (const id of ['anthropic/m', 'openai/m', 'google/m', 'ollama/m']) {
        const error = new GenieError(code, 'ask first', { details: { approvalId: 'apr_1' } });
        const model = resolveModel(id, { apiKey: 'k', fetch: () => Promise.reject(error) });
        const work = model.doGenerate({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] });
        await expect(Promise.resolve(work).catch((thrown: unknown) => thrown)).resolves.toBe(error);
      }
    }
  });
});

describe.skipIf(findLlama(process.env) === undefined)('resolveModel("local/…")', () => {
  it('answers from a file, and lets the process end by itself', { timeout: 30_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'genie-local-'));
    const path = join(folder, 'tiny.gguf');
    await writeTestModel(path, { seed: 1 });
    const script = fileURLToPath(new URL('../../fixtures/local-model.ts', import.meta.url));
    const child = spawn(process.execPath, ['--conditions=@genie/source', script, path, findLlama(process.env) ?? '']);
    let output = '';
    child.stdout.on('data', (bytes) => {
      output += String(bytes);
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    await rm(folder, { recursive: true });
    expect(code).toBe(0);
    expect(JSON.parse(output)).toMatchObject({
      provider: 'local',
      modelId: 'tiny.gguf',
      outputTokens: 12,
      code: 'GENIE_GGUF_INVALID',
    });
  });
});
