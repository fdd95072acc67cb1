import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { JsonSchema } from '../json-schema.ts';
import { findLlama } from '../testing/find-llama.ts';
import { say, startTinyDaemon, type TinyModels, writeTinyModels } from '../testing/tiny-daemon.ts';
import { type Backend, openBackend } from '../worker/backend.ts';
import { inProcessTransport } from '../worker/transports.ts';
import { createDaemon } from './create-daemon.ts';
import type { DaemonOptions } from './daemon.ts';

const llamaModule = findLlama(process.env);
let tiny: TinyModels;
beforeAll(async () => {
  tiny = await writeTinyModels(process.env);
});
afterAll(() => tiny.remove());

const start = (more: Partial<DaemonOptions> = {}) => startTinyDaemon(tiny, more);
const call: LanguageModelV4CallOptions = {
  prompt: [{ role: 'user', content: [{ type: 'text', text: 'What is new?' }] }],
  maxOutputTokens: 30,
};

describe('createDaemon', () => {
  it('refuses unusable options', () => {
    for (const options of [{ models: {} }, { models: { a: 'x' }, workers: 5 }]) {
      expect(() => createDaemon(options)).toThrow(expect.objectContaining({ code: 'GENIE_DAEMON_OPTIONS' }));
    }
  });

  it('says why a model cannot be loaded, and fails its requests with it', async () => {
    const { daemon } = start({
      models: { none: join(tiny.folder, 'layer-0.gguf'), gone: join(tiny.folder, 'no-such.gguf') },
    });
    await expect(daemon.ready()).rejects.toMatchObject({ code: expect.stringMatching(/^GENIE_/) });
    await expect(daemon.request(say('x'), { base: 'gone' })).rejects.toMatchObject({
      code: expect.stringMatching(/^GENIE_/),
    });
    await daemon.close();
  });

  it('fails what is left when it is closed', async () => {
    const { daemon } = start();
    const work = daemon.request(say('x'));
    const closed = expect(work).rejects.toMatchObject({ code: 'GENIE_DAEMON_CLOSED' });
    await daemon.close();
    await closed;
    await expect(daemon.request(say('x'))).rejects.toMatchObject({ code: 'GENIE_DAEMON_CLOSED' });
  });
});

describe.skipIf(llamaModule === undefined)('a daemon with the real engine', () => {
  /** Two processes, for the tests that need nothing of their own: a start takes a second. */
  let usual: ReturnType<typeof start>;
  let backend: Promise<Backend>;
  /** Where the queue is what is tested, the engine may be in this process. */
  const near = () => ({ transport: () => inProcessTransport(backend) });
  beforeAll(async () => {
    usual = start({ workers: 2 });
    backend = openBackend({ threads: 1, llamaModule });
    await usual.daemon.ready();
  }, 60_000);
  afterAll(async () => {
    await usual.daemon.close();
    await (await backend).llama.dispose();
  });

  it('serves genomes in child processes, with metrics', { timeout: 60_000 }, async () => {
    const { daemon, events } = usual;
    const texts = await Promise.all(
      [0, 1, 2, 3, 0, 1, 2, 3].map(async (index) => {
        let text = '';
        await daemon.request(say('What is new?'), { layers: [tiny.layer(index)], onText: (piece) => (text += piece) });
        return text;
      }),
    );
    expect(texts.slice(0, 4)).toEqual(texts.slice(4));
    expect(new Set(texts).size).toBe(4);
    const metrics = daemon.metrics();
    expect(metrics).toMatchObject({
      queueDepth: 0,
      running: 0,
      requests: { total: 8, completed: 8, failed: 0, aborted: 0 },
    });
    expect(metrics.workers.map(({ status }) => status)).toEqual(['ready', 'ready']);
    expect(metrics.workers.every(({ pid }) => pid !== undefined && pid !== process.pid)).toBe(true);
    expect(metrics.latencyMs.p50).toBeGreaterThan(0);
    expect(metrics.tokensPerSecond).toBeGreaterThan(0);
    expect(metrics.load).toBeGreaterThan(0);
    expect(events.filter((event) => event.type === 'request.completed')).toHaveLength(8);
  });

  it('is a language model: text, streams, tool calls and JSON', { timeout: 60_000 }, async () => {
    const { daemon } = start(near());
    const model = daemon.model({ layers: [tiny.layer(1)] });
    expect(model).toMatchObject({ provider: 'local', modelId: 'tiny' });
    const whole = await model.doGenerate(call);
    expect(whole).toMatchObject({ finishReason: { unified: 'length' }, usage: { outputTokens: { total: 30 } } });
    let streamed = '';
    for await (const part of (await model.doStream(call)).stream)
      if (part.type === 'text-delta') streamed += part.delta;
    expect([{ type: 'text', text: streamed }]).toEqual(whole.content);

    const input = z.object({ path: z.string().max(12) });
    const tools = ['read_folder', 'git_log'].map((name) => ({
      type: 'function' as const,
      name,
      inputSchema: z.toJSONSchema(input) as never,
    }));
    const forced = await model.doGenerate({
      ...call,
      tools,
      toolChoice: { type: 'tool', toolName: 'git_log' },
      maxOutputTokens: 600,
      temperature: 1,
      seed: 3,
    });
    expect(forced.finishReason.unified).toBe('tool-calls');
    for (const part of forced.content) {
      if (part.type !== 'tool-call') throw new Error(`unexpected ${part.type}`);
      expect(part.toolName).toBe('git_log');
      expect(input.safeParse(JSON.parse(part.input)).success).toBe(true);
    }
    const either = await model.doGenerate({ ...call, tools, maxOutputTokens: 900, temperature: 1, seed: 4 });
    expect(['stop', 'tool-calls']).toContain(either.finishReason.unified);

    const schema = z.object({ steps: z.array(z.object({ text: z.string() })).min(1) });
    const json = await model.doGenerate({
      ...call,
      maxOutputTokens: 600,
      responseFormat: { type: 'json', name: 'plan', schema: z.toJSONSchema(schema) as never },
    });
    expect(
      schema.safeParse(JSON.parse(json.content.map((part) => (part.type === 'text' ? part.text : '')).join('')))
        .success,
    ).toBe(true);
    await expect(
      Promise.resolve(
        model.doGenerate({ ...call, prompt: [{ role: 'user', content: [{ type: 'text', text: 'x'.repeat(2_000) }] }] }),
      ),
    ).rejects.toMatchObject({ code: 'GENIE_MODEL_CONTEXT_LENGTH' });
    await daemon.close();
  });

  it.each(['thread', 'in-process'] as const)('works the same in a %s', { timeout: 60_000 }, async (transport) => {
    const { daemon, events } = start({ transport });
    await daemon.ready();
    const texts = async (one: typeof daemon) => {
      const result: string[] = [];
      for (const index of [0, 1, 0]) {
        let text = '';
        await one.request(say('What is new?', 40), { layers: [tiny.layer(index)], onText: (piece) => (text += piece) });
        result.push(text);
      }
      return result;
    };
    expect(await texts(daemon)).toEqual(await texts(usual.daemon));
    const controller = new AbortController();
    const aborted = daemon.request(say('a', 900), {
      signal: controller.signal,
      onText: () => controller.abort(new Error('enough')),
    });
    await expect(aborted).rejects.toThrow('enough');
    expect((await daemon.request(say('next'))).outputTokens).toBe(8);
    expect(daemon.metrics().workers[0]).toMatchObject({ pid: undefined, restarts: 0 });
    await daemon.close();
    expect(events.filter((event) => event.type === 'worker.crashed')).toEqual([]);
  });

  it('answers what waits before it closes, and refuses what comes later or is too much', {
    timeout: 60_000,
  }, async () => {
    const { daemon } = start({ maxQueued: 3, ...near() });
    const work = Array.from({ length: 4 }, (_, index) => daemon.request(say(`question ${index}`)));
    await expect(daemon.request(say('one too many'))).rejects.toMatchObject({ code: 'GENIE_DAEMON_BUSY' });
    const closed = daemon.close({ drain: AbortSignal.timeout(50_000) });
    await expect(daemon.request(say('late'))).rejects.toMatchObject({ code: 'GENIE_DAEMON_CLOSED' });
    for (const { outputTokens } of await Promise.all(work)) expect(outputTokens).toBeGreaterThan(3);
    await closed;
    const { daemon: second } = start(near());
    const left = expect(second.request(say('x', 900))).rejects.toMatchObject({ code: 'GENIE_DAEMON_CLOSED' });
    await second.close({ drain: AbortSignal.timeout(1) });
    await left;
  });

  it('checks the hash of a model before it loads it', { timeout: 60_000 }, async () => {
    const { daemon: wrong } = start({ models: { tiny: { path: tiny.path, hash: 'a'.repeat(64) } }, ...near() });
    await expect(wrong.ready()).rejects.toMatchObject({ code: 'GENIE_MODEL_CHANGED' });
    await wrong.close();
  });

  it('reports to a real OpenTelemetry meter', { timeout: 60_000 }, async () => {
    // In a process of its own, because the test runner resolves the SDK to modules that Node does not take.
    const script = fileURLToPath(new URL('../../../fixtures/daemon-telemetry.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--conditions=@genie/source',
      script,
      tiny.path,
      llamaModule ?? '',
    ]);
    type Point = { readonly attributes: unknown; readonly value: unknown };
    const metrics = JSON.parse(stdout) as Readonly<Record<string, readonly Point[]>>;
    const pointsOf = (name: string) => metrics[name] ?? [];
    expect(pointsOf('gen_ai.server.request.duration').map(({ attributes }) => attributes)).toEqual([
      expect.objectContaining({ 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'tiny' }),
      expect.objectContaining({ 'error.type': 'GENIE_MODEL_CONTEXT_LENGTH' }),
    ]);
    expect(pointsOf('gen_ai.server.time_to_first_token')).toHaveLength(1);
    expect(pointsOf('genie.daemon.requests')[0]?.value).toBe(2);
    expect(pointsOf('genie.daemon.queue.depth')[0]?.value).toBe(0);
    expect(pointsOf('genie.daemon.prefix.hit_rate')).toHaveLength(1);
    expect(stdout).not.toContain('What is new');
  });

  it('goes on when a reader stops reading', { timeout: 60_000 }, async () => {
    const { daemon } = usual;
    const readers = [1, 2].map(async () =>
      (await daemon.model().doStream({ ...call, maxOutputTokens: 400 })).stream.getReader(),
    );
    for (const reader of readers) await (await reader).read();
    expect((await daemon.request(say('next'))).outputTokens).toBe(8);
    for (const reader of readers) await (await reader).cancel();
  });

  it('fails alone what no worker could read', async () => {
    const { daemon } = usual;
    let schema: JsonSchema = { type: 'string' };
    for (let level = 0; level < 4_000; level += 1) schema = { items: schema };
    await expect(daemon.request({ ...say('x'), schema })).rejects.toMatchObject({ code: 'GENIE_MODEL_BAD_REQUEST' });
    const notData = { type: 'string', pattern: () => 'x' } as never;
    await expect(daemon.request({ ...say('x'), schema: notData })).rejects.toMatchObject({
      code: 'GENIE_MODEL_BAD_REQUEST',
    });
    const endless: JsonSchema = { type: 'string', minLength: 1e9 };
    await expect(daemon.request({ ...say('x'), schema: endless })).rejects.toMatchObject({
      code: 'GENIE_MODEL_BAD_REQUEST',
    });
    // Tokenising it would take the worker's thread for longer than it may be silent.
    await expect(daemon.request(say('x'.repeat(20_000_000)))).rejects.toMatchObject({
      code: 'GENIE_MODEL_CONTEXT_LENGTH',
      message: expect.stringContaining('at least'),
    });
    expect((await daemon.request(say('next'))).outputTokens).toBe(8);
    expect(daemon.metrics().workers.map(({ restarts }) => restarts)).toEqual([0, 0]);
  });
});
