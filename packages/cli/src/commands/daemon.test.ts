import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { resolveModel } from '@genie/inference';
import { writeTestExtractor, writeTestLayer, writeTestModel } from '@genie/inference/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliFixture, createCliFixture, type Started } from '../lib/testing/cli-fixture.ts';

let cli: CliFixture;
let model: string;
beforeAll(async () => {
  cli = createCliFixture();
  model = join(cli.folder, 'tiny.gguf');
  await writeTestModel(model, { seed: 1 });
  await writeTestLayer(join(cli.folder, 'terse.gguf'), { seed: 2 });
  await writeTestExtractor(join(cli.folder, 'extractor'), { seed: 3 });
});
afterAll(() => cli.remove());

/** A daemon on any free port, and what it printed about itself. */
async function start(args: readonly string[], environment: Record<string, string> = {}) {
  const started = cli.start(['daemon', '--json', '--port', '0', '--threads', '1', ...args], { environment });
  let printed = '';
  started.child.stdout?.on('data', (text: string) => {
    printed += text;
  });
  await started.printed('listening');
  const { url, models } = JSON.parse(printed.split('\n')[0] ?? '') as { url: string; models: readonly string[] };
  return { started, url, models };
}

async function stop(started: Started): Promise<number | null> {
  started.child.kill('SIGTERM');
  return (await started.ended).code;
}

const hello = { prompt: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hello' }] }] };

describe('genie daemon', { timeout: 90_000 }, () => {
  it('serves models, genomes and embedders to any OpenAI client, and ends in order', async () => {
    const { started, url, models } = await start([
      '--model',
      model,
      '--genome',
      'terse=terse.gguf*0.8',
      '--embedder',
      'words=hash',
      `onnx=transformers/${join(cli.folder, 'extractor')}`,
    ]);
    expect(models).toEqual(['tiny', 'terse', 'words', 'onnx']);
    const ask = async (id: string) => {
      const client = resolveModel(`openai-compatible/${id}`, { baseURL: `${url}/v1` });
      const { content, usage } = await client.doGenerate({ ...hello, maxOutputTokens: 24 });
      return { content, tokens: usage.outputTokens.total };
    };
    const [plain, terse] = [await ask('tiny'), await ask('terse')];
    expect(plain.tokens).toBeGreaterThan(0);
    expect(terse.content).not.toEqual(plain.content);
    const embed = async (id: string) => {
      const body = JSON.stringify({ model: id, input: ['one', 'two'], encoding_format: 'base64' });
      const response = await fetch(`${url}/v1/embeddings`, { method: 'POST', body });
      return (await response.json()) as { data: readonly { embedding: string }[] };
    };
    for (const [id, dimensions] of [
      ['words', 256],
      ['onnx', 32],
    ] as const) {
      const { data } = await embed(id);
      expect(data.map(({ embedding }) => Buffer.from(embedding, 'base64').length / 4)).toEqual([
        dimensions,
        dimensions,
      ]);
    }
    expect(await (await fetch(`${url}/metrics`)).json()).toMatchObject({ requests: { completed: 2, failed: 0 } });
    expect(readdirSync(join(cli.homes, '.daemon'))).toHaveLength(1);

    // What is on its way when it is told to stop is still answered.
    const last = ask('tiny');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await stop(started)).toBe(0);
    expect((await last.catch(() => ({ tokens: 'lost' }))).tokens).toBe(plain.tokens);
    expect(readdirSync(join(cli.homes, '.daemon'))).toEqual([]);
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });

  it('is not stopped by clients that stop reading or hang up', async () => {
    const { started, url } = await start(['--model', model]);
    const { port } = new URL(url);
    const body = JSON.stringify({
      model: 'tiny',
      messages: [{ role: 'user', content: 'x' }],
      max_tokens: 2_000,
      stream: true,
    });
    const sockets = Array.from({ length: 8 }, () => {
      const socket = createConnection(Number(port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(
        `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
      socket.pause();
      return socket;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const socket of sockets.slice(0, 4)) socket.destroy();
    const client = resolveModel('openai-compatible/tiny', { baseURL: `${url}/v1` });
    expect((await client.doGenerate({ ...hello, maxOutputTokens: 8 })).usage.outputTokens.total).toBeGreaterThan(0);
    for (const socket of sockets) socket.destroy();
    expect(await stop(started)).toBe(0);
  });

  it('survives its worker, asks for its token, and says why it cannot start', async () => {
    const { started, url } = await start(['--model', `m=${model}`], { GENIE_DAEMON_TOKEN: 'secret' });
    const headers = { authorization: 'Bearer secret' };
    expect((await fetch(`${url}/v1/models`)).status).toBe(401);
    const metrics = async () =>
      (await (await fetch(`${url}/metrics`, { headers })).json()) as { workers: { pid: number; restarts: number }[] };
    process.kill((await metrics()).workers[0]?.pid ?? 0, 'SIGKILL');
    const client = resolveModel('openai-compatible/m', { baseURL: `${url}/v1`, apiKey: 'secret' });
    expect((await client.doGenerate({ ...hello, maxOutputTokens: 8 })).usage.outputTokens.total).toBeGreaterThan(0);
    expect((await metrics()).workers[0]?.restarts).toBe(1);
    const taken = await cli.genie(['daemon', '--model', model, '--port', new URL(url).port]);
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining('GENIE_ENDPOINT_LISTEN') });
    expect(await stop(started)).toBe(0);

    const open = await cli.genie(['daemon', '--model', model, '--host', '0.0.0.0']);
    expect(open).toMatchObject({ code: 1, stderr: expect.stringContaining('GENIE_ENDPOINT_OPTIONS') });
    const broken = await cli.genie(['daemon', '--model', join(cli.folder, 'extractor', 'config.json')]);
    expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining('GENIE_GGUF_INVALID') });
    expect(await cli.genie(['daemon'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('GENIE_LOCAL_MODEL'),
    });
    await rm(join(cli.homes, '.daemon'), { recursive: true, force: true });
  });
});
