import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { writeTestLayer, writeTestModel } from '../gguf/test-model.ts';
import { hashFile } from '../layers/check-layer.ts';
import { findLlama } from '../testing/find-llama.ts';
import { createDaemon } from './create-daemon.ts';
import type { DaemonEvent, DaemonOptions } from './daemon.ts';

const llamaModule = findLlama(process.env);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genie-daemon-'));
  await writeTestModel(join(folder, 'base.gguf'), { seed: 1 });
  for (let index = 0; index < 4; index += 1)
    await writeTestLayer(join(folder, `layer-${index}.gguf`), { seed: 10 + index });
});
afterAll(() => rm(folder, { recursive: true }));

const layer = (index: number) => ({ path: join(folder, `layer-${index}.gguf`), weight: 1 });
const say = (text: string, maxTokens = 8) => ({ messages: [{ role: 'user' as const, text }], maxTokens });
const call: LanguageModelV4CallOptions = {
  prompt: [{ role: 'user', content: [{ type: 'text', text: 'What is new?' }] }],
  maxOutputTokens: 30,
};

function start(more: Partial<DaemonOptions> = {}) {
  const events: DaemonEvent[] = [];
  const daemon = createDaemon({
    models: { tiny: join(folder, 'base.gguf') },
    threads: 1,
    contextTokens: 1_024,
    cache: { slots: 3 },
    onEvent: (event) => events.push(event),
    ...(llamaModule ? { llamaModule } : {}),
    ...more,
  });
  return { daemon, events };
}

describe('createDaemon', () => {
  it('refuses unusable options', () => {
    for (const options of [{ models: {} }, { models: { a: 'x' }, workers: 5 }]) {
      expect(() => createDaemon(options)).toThrow(expect.objectContaining({ code: 'GENIE_DAEMON_OPTIONS' }));
    }
  });

  it('says why a model cannot be loaded, and fails its requests with it', async () => {
    const { daemon } = start({ models: { none: join(folder, 'layer-0.gguf'), gone: join(folder, 'no-such.gguf') } });
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
  it('serves genomes in child processes, with metrics', { timeout: 60_000 }, async () => {
    const { daemon, events } = start({ workers: 2 });
    await daemon.ready();
    const texts = await Promise.all(
      [0, 1, 2, 3, 0, 1, 2, 3].map(async (index) => {
        let text = '';
        await daemon.request(say('What is new?'), { layers: [layer(index)], onText: (piece) => (text += piece) });
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
    await daemon.close();
  });

  it('loses no queued request when a worker is killed, and repeats nothing that was heard', {
    timeout: 120_000,
  }, async () => {
    const { daemon, events } = start();
    await daemon.ready();
    const heard = new Map<number, string>();
    const listen = (index: number, slot: number) => ({
      layers: [layer(index % 4)],
      onText: (piece: string) => heard.set(slot, (heard.get(slot) ?? '') + piece),
    });
    for (let index = 0; index < 6; index += 1)
      await daemon.request(say(`question ${index}`, 120), listen(index, index));
    for (let round = 0; round < 4; round += 1) {
      const work = Array.from({ length: 6 }, (_, index) =>
        daemon.request(say(`question ${index}`, 120), listen(index, 10 + round * 10 + index)).then(
          () => ({ index, code: 'ok' }),
          (error: { code: string }) => ({ index, code: error.code }),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 20 + round * 40));
      const pid = daemon.metrics().workers[0]?.pid;
      if (pid) process.kill(pid, 'SIGKILL');
      const results = await Promise.all(work);
      // Only the one that was being answered may fail, and clearly.
      expect(results.filter(({ code }) => code !== 'ok').length).toBeLessThanOrEqual(1);
      for (const { index, code } of results) {
        if (code === 'ok') expect(heard.get(10 + round * 10 + index)).toBe(heard.get(index));
        else expect(code).toBe('GENIE_WORKER_CRASHED');
      }
    }
    expect(events.filter((event) => event.type === 'worker.crashed')).toHaveLength(4);
    expect(daemon.metrics().workers[0]).toMatchObject({ restarts: 4, status: 'ready' });
    await daemon.close();
  });

  it('aborts queued and running requests, and kills a worker that does not answer', { timeout: 60_000 }, async () => {
    const { daemon, events } = start({ abortGraceMs: 300, healthIntervalMs: 50, healthTimeoutMs: 400 });
    await daemon.ready();
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = daemon.request(say('a', 900), { signal: controller.signal });
    const queued = daemon.request(say('b', 900), { signal: controller.signal });
    const other = daemon.request(say('c'));
    setTimeout(() => controller.abort(reason), 60);
    await expect(running).rejects.toBe(reason);
    await expect(queued).rejects.toBe(reason);
    expect((await other).outputTokens).toBe(8);
    expect(events.filter((event) => event.type === 'worker.crashed')).toEqual([]);
    const pid = daemon.metrics().workers[0]?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    const late = daemon.request(say('d'));
    expect((await late).outputTokens).toBe(8);
    expect(events.find((event) => event.type === 'worker.crashed')).toMatchObject({
      reason: expect.stringContaining('no sign of life'),
    });
    await daemon.close();
  });

  it('is a language model: text, streams, tool calls and JSON', { timeout: 60_000 }, async () => {
    const { daemon } = start({ transport: 'in-process' });
    const model = daemon.model({ layers: [layer(1)] });
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
    const other = start();
    await daemon.ready();
    const texts = async (one: typeof daemon) => {
      const result: string[] = [];
      for (const index of [0, 1, 0]) {
        let text = '';
        await one.request(say('What is new?', 40), { layers: [layer(index)], onText: (piece) => (text += piece) });
        result.push(text);
      }
      return result;
    };
    expect(await texts(daemon)).toEqual(await texts(other.daemon));
    const controller = new AbortController();
    const aborted = daemon.request(say('a', 900), {
      signal: controller.signal,
      onText: () => controller.abort(new Error('enough')),
    });
    await expect(aborted).rejects.toThrow('enough');
    expect((await daemon.request(say('next'))).outputTokens).toBe(8);
    expect(daemon.metrics().workers[0]).toMatchObject({ pid: undefined, restarts: 0 });
    await daemon.close();
    await other.daemon.close();
    expect(events.filter((event) => event.type === 'worker.crashed')).toEqual([]);
  });

  it('answers what waits before it closes, and refuses what comes later or is too much', {
    timeout: 60_000,
  }, async () => {
    const { daemon } = start({ maxQueued: 3 });
    const work = Array.from({ length: 4 }, (_, index) => daemon.request(say(`question ${index}`)));
    await expect(daemon.request(say('one too many'))).rejects.toMatchObject({ code: 'GENIE_DAEMON_BUSY' });
    const closed = daemon.close({ drain: AbortSignal.timeout(50_000) });
    await expect(daemon.request(say('late'))).rejects.toMatchObject({ code: 'GENIE_DAEMON_CLOSED' });
    for (const { outputTokens } of await Promise.all(work)) expect(outputTokens).toBeGreaterThan(3);
    await closed;
    const { daemon: second } = start();
    const left = expect(second.request(say('x', 900))).rejects.toMatchObject({ code: 'GENIE_DAEMON_CLOSED' });
    await second.close({ drain: AbortSignal.timeout(1) });
    await left;
  });

  it('checks the hash of a model before it loads it', { timeout: 60_000 }, async () => {
    const path = join(folder, 'base.gguf');
    const right = await hashFile(path);
    const { daemon } = start({ models: { tiny: { path, hash: right } } });
    expect((await daemon.request(say('x'))).outputTokens).toBe(8);
    await daemon.close();
    const { daemon: wrong } = start({ models: { tiny: { path, hash: 'a'.repeat(64) } } });
    await expect(wrong.ready()).rejects.toMatchObject({ code: 'GENIE_MODEL_CHANGED' });
    await wrong.close();
  });

  it('reports to a real OpenTelemetry meter', { timeout: 60_000 }, async () => {
    // In a process of its own, because the test runner resolves the SDK to modules that Node does not take.
    const script = fileURLToPath(new URL('../../../fixtures/daemon-telemetry.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--conditions=@genie/source',
      script,
      join(folder, 'base.gguf'),
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
    const { daemon } = start();
    const { stream } = await daemon.model().doStream({ ...call, maxOutputTokens: 400 });
    const reader = stream.getReader();
    await reader.read();
    expect((await daemon.request(say('next'))).outputTokens).toBe(8);
    await reader.cancel();
    await daemon.close();
  });
});
