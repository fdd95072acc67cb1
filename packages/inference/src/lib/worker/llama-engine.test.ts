import { mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { writeTestLayer, writeTestModel } from '../gguf/test-model.ts';
import type { JsonSchema } from '../json-schema.ts';
import { hashFile } from '../layers/check-layer.ts';
import { findLlama } from '../testing/find-llama.ts';
import { type Backend, openBackend } from './backend.ts';
import type { EngineRequest } from './engine-request.ts';
import { LlamaEngine } from './llama-engine.ts';
import type { WorkerPort } from './protocol.ts';
import { serveEngine } from './serve-engine.ts';

const llamaModule = findLlama(process.env);
let folder: string;
/** Starting the library takes longer than most of these tests. */
let backend: Promise<Backend> | undefined;
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genie-engine-'));
  await writeTestModel(file('base.gguf'), { seed: 1 });
  for (let index = 0; index < 6; index += 1) await writeTestLayer(file(`layer-${index}.gguf`), { seed: 10 + index });
});
afterAll(async () => {
  await (await backend)?.llama.dispose();
  await rm(folder, { recursive: true });
});

const request = (more: Partial<EngineRequest> = {}): EngineRequest => ({
  messages: [
    { role: 'system', text: 'You are a genie that reads and reports.' },
    { role: 'user', text: 'What is new?' },
  ],
  layers: [],
  maxTokens: 10,
  ...more,
});
const layers = (...indexes: readonly number[]) =>
  indexes.map((index) => ({ path: file(`layer-${index}.gguf`), weight: 1 }));

async function withEngine<Value>(
  more: Partial<Parameters<typeof LlamaEngine.create>[0]>,
  use: (engine: LlamaEngine, ask: (request: EngineRequest) => Promise<string>) => Promise<Value>,
) {
  backend ??= openBackend({ threads: 1, llamaModule });
  const options = { modelPath: file('base.gguf'), threads: 1, contextTokens: 512, slots: 3, ...more };
  const engine = await LlamaEngine.create(options, backend);
  const ask = async (one: EngineRequest) => {
    let text = '';
    await engine.run(one, (piece) => {
      text += piece;
    });
    return text;
  };
  try {
    return await use(engine, ask);
  } finally {
    await engine.close();
  }
}

describe.skipIf(llamaModule === undefined)('LlamaEngine', () => {
  it('gives what a fresh context gives, through any sequence of switches, evictions and restores', {
    timeout: 60_000,
  }, async () => {
    const stacks = [[], [0], [1], [2], [3], [0, 1], [1, 0], [4, 5]] as const;
    const questions = ['What is new?', 'Who cares?'];
    const of = (stack: readonly number[], question: string) =>
      request({
        layers: layers(...stack),
        messages: [
          {
            role: 'system',
            text: `Prefix of ${stack.length ? 'a stack' : 'the base'}, long enough to be worth keeping.`,
          },
          { role: 'user', text: question },
        ],
      });
    const expected = new Map<string, string>();
    // One context at most, and another stack each time: every answer comes from a fresh one.
    await withEngine({ switching: 'contexts', slots: 1 }, async (_, ask) => {
      for (const question of questions)
        for (const stack of stacks.toSorted((left, right) => left.join().localeCompare(right.join())))
          expected.set(JSON.stringify([stack, question]), await ask(of(stack, question)));
    });
    expect(expected.get(JSON.stringify([[0, 1], questions[0]]))).toBe(
      expected.get(JSON.stringify([[1, 0], questions[0]])),
    );
    expect(new Set(expected.values()).size).toBe(14);
    const steps = fc.array(fc.tuple(fc.constantFrom(...stacks), fc.constantFrom(...questions)), {
      minLength: 20,
      maxLength: 30,
    });
    await withEngine({ stateFolder: file('states'), maxLayers: 3 }, async (engine, ask) => {
      await fc.assert(
        fc.asyncProperty(steps, async (list) => {
          for (const [stack, question] of list)
            expect(await ask(of(stack, question))).toBe(expected.get(JSON.stringify([stack, question])));
        }),
        { numRuns: 4 },
      );
      const stats = engine.stats();
      expect(stats.layerEvictions).toBeGreaterThan(10);
      expect(stats.prefixRestores).toBeGreaterThan(10);
      expect(stats.prefixHits).toBeGreaterThan(stats.prefixMisses);
    });
    expect(await readdir(file('states'))).toEqual([]);
  });

  it('writes valid JSON with random weights, for any schema', { timeout: 60_000 }, async () => {
    const schemas = [
      z.object({ name: z.string(), count: z.int().min(0).max(9), tags: z.array(z.string()) }),
      z.object({
        steps: z.array(z.object({ text: z.string().min(1), tool: z.enum(['git_log', 'read_feed']).optional() })).min(1),
        reason: z.string(),
      }),
      z.union([
        z.object({ text: z.string() }),
        z.object({ tool: z.literal('x'), input: z.object({ path: z.string(), deep: z.boolean() }) }),
      ]),
      z.array(z.number()).max(3),
      z.object({
        'odd "name"\n': z.null(),
        odder: z.literal('\u0000\u001b\\ \ud800 ]'),
        value: z.int().min(1).max(1_000_000),
      }),
    ];
    await withEngine({ contextTokens: 1_024 }, async (_, ask) => {
      for (const [index, schema] of schemas.entries()) {
        for (let seed = 0; seed < 4; seed += 1) {
          const text = await ask(
            request({
              schema: z.toJSONSchema(schema) as JsonSchema,
              maxTokens: 400,
              temperature: 1,
              seed,
              layers: layers(index),
            }),
          );
          expect(schema.safeParse(JSON.parse(text)), text).toMatchObject({ success: true });
        }
      }
    });
  });

  it('stops at a stop sequence, at the limit, and when aborted', async () => {
    await withEngine({}, async (engine, ask) => {
      const whole = await ask(request({ maxTokens: 20 }));
      // A control token, which random weights may choose, has no text.
      expect(whole.length).toBeGreaterThan(15);
      expect(await engine.run(request({ maxTokens: 20 }), () => {})).toMatchObject({
        outputTokens: 20,
        finish: 'length',
      });
      const stop = whole.slice(8, 11);
      expect(await ask(request({ maxTokens: 20, stop: [stop, 'never said'] }))).toBe(
        whole.slice(0, whole.indexOf(stop)),
      );
      const controller = new AbortController();
      let pieces = 0;
      const work = engine.run(
        request({ maxTokens: 400 }),
        () => {
          pieces += 1;
          if (pieces === 3) controller.abort(new Error('enough'));
        },
        controller.signal,
      );
      await expect(work).rejects.toThrow('enough');
      expect(pieces).toBeLessThan(6);
      expect(await ask(request({ maxTokens: 20 }))).toBe(whole);
    });
  });

  it('refuses prompts beyond the context and files that would crash it', async () => {
    await writeTestLayer(file('nan.gguf'), { seed: 1, broken: 'nan' });
    await writeTestLayer(file('rank.gguf'), { seed: 1, broken: 'rank' });
    await writeTestLayer(file('foreign.gguf'), {
      seed: 1,
      shape: { layers: 2, width: 32, heads: 2, feedForward: 64, contextTokens: 512, type: 'f32' },
    });
    await writeFile(file('text.gguf'), 'no layer at all');
    await writeTestLayer(file('cut.gguf'), { seed: 1 });
    await truncate(file('cut.gguf'), 3_000);
    await withEngine({}, async (_, ask) => {
      const of = (name: string, hash?: string) =>
        ask(request({ layers: [{ path: file(name), weight: 1, ...(hash ? { hash } : {}) }] }));
      await expect(of('nan.gguf')).rejects.toMatchObject({
        code: 'GENIE_LAYER_INVALID',
        message: expect.stringContaining('not a number'),
      });
      await expect(of('rank.gguf')).rejects.toMatchObject({
        code: 'GENIE_LAYER_INVALID',
        message: expect.stringContaining('ranks'),
      });
      await expect(of('foreign.gguf')).rejects.toMatchObject({ code: 'GENIE_LAYER_FOREIGN' });
      await expect(of('text.gguf')).rejects.toMatchObject({ code: 'GENIE_GGUF_INVALID' });
      await expect(of('cut.gguf')).rejects.toMatchObject({ code: 'GENIE_GGUF_INVALID' });
      await expect(of('base.gguf')).rejects.toMatchObject({
        code: 'GENIE_LAYER_INVALID',
        message: expect.stringContaining('no LoRA'),
      });
      await expect(of('none.gguf')).rejects.toMatchObject({ code: 'GENIE_LAYER_MISSING' });
      await expect(of('layer-0.gguf', 'a'.repeat(64))).rejects.toMatchObject({ code: 'GENIE_LAYER_CHANGED' });
      await expect(ask(request({ messages: [{ role: 'user', text: 'x'.repeat(600) }] }))).rejects.toMatchObject({
        code: 'GENIE_MODEL_CONTEXT_LENGTH',
      });
      expect((await ask(request())).length).toBeGreaterThan(5);
    });
    // The file is looked at before the library is missed.
    await expect(
      LlamaEngine.create({ modelPath: file('text.gguf'), threads: 1, llamaModule: 'none' }),
    ).rejects.toMatchObject({
      code: 'GENIE_GGUF_INVALID',
    });
  });

  it('hashes a model that must have a certain content, but not one that was verified before', async () => {
    const modelHash = await hashFile(file('base.gguf'));
    const verifiedStamp = await withEngine({ modelHash }, async ({ modelStamp }) => modelStamp);
    const wrong = { modelHash: 'a'.repeat(64) };
    await expect(withEngine(wrong, async () => 'loaded')).rejects.toMatchObject({ code: 'GENIE_MODEL_CHANGED' });
    expect(await withEngine({ ...wrong, verifiedStamp }, async () => 'loaded')).toBe('loaded');
    // The content's time can be set back after a change, that of the change itself cannot.
    const { atime, mtime } = await stat(file('base.gguf'));
    await utimes(file('base.gguf'), atime, mtime);
    await expect(withEngine({ ...wrong, verifiedStamp }, async () => 'loaded')).rejects.toMatchObject({
      code: 'GENIE_MODEL_CHANGED',
    });
  });

  it('is not ended in the middle of loading, which would end the process', async () => {
    const heard: string[] = [];
    backend ??= openBackend({ threads: 1, llamaModule });
    const onMessage: WorkerPort['onMessage'] = (tell) => {
      setImmediate(tell, { type: 'load', options: { modelPath: file('base.gguf'), threads: 1, contextTokens: 512 } });
      setImmediate(tell, { type: 'close' });
    };
    await serveEngine({ send: ({ type }) => heard.push(type), onMessage }, backend);
    expect(heard).toEqual(['ready']);
  });

  it('notices a layer that changes on disk', async () => {
    await writeTestLayer(file('moving.gguf'), { seed: 50 });
    await withEngine({}, async (_, ask) => {
      const of = () => ask(request({ layers: [{ path: file('moving.gguf'), weight: 1 }] }));
      const before = await of();
      await utimes(file('moving.gguf'), 1, 1);
      expect(await of()).toBe(before);
      await writeTestLayer(file('moving.gguf'), { seed: 51 });
      await expect(of()).rejects.toMatchObject({ code: 'GENIE_LAYER_CHANGED' });
    });
  });

  it('uses the new weights of a layer that was replaced under its name, and one adapter for equal files', async () => {
    await writeTestLayer(file('named.gguf'), { seed: 50 });
    await writeTestLayer(file('other.gguf'), { seed: 51 });
    const hashes = [await hashFile(file('named.gguf')), await hashFile(file('other.gguf'))];
    await withEngine({}, async (engine, ask) => {
      const of = (name: string, version: number) =>
        ask(request({ layers: [{ path: file(name), hash: hashes[version] ?? '', weight: 1 }] }));
      const first = await of('named.gguf', 0);
      await writeTestLayer(file('named.gguf'), { seed: 51 });
      const second = await of('named.gguf', 1);
      await withEngine({}, async (_, fresh) => {
        const layers = [{ path: file('other.gguf'), weight: 1 }];
        expect(second).toBe(await fresh(request({ layers })));
      });
      expect(second).not.toBe(first);
      expect(await of('other.gguf', 1)).toBe(second);
      expect(engine.stats()).toMatchObject({ layers: 1, layerEvictions: 1, prefixHits: 1 });
      await rm(file('named.gguf'));
      // What was loaded from there is still the content that was asked for.
      expect(await of('other.gguf', 1)).toBe(second);
    });
  });

  it('works without switching, with a bounded set of contexts', async () => {
    await withEngine({ switching: 'contexts', slots: 2 }, async (engine, ask) => {
      const texts: string[] = [];
      for (const index of [0, 1, 2, 0]) texts.push(await ask(request({ layers: layers(index) })));
      expect(texts[3]).toBe(texts[0]);
      expect(engine.stats().warmKeys).toHaveLength(2);
      await withEngine({}, async (_, other) => expect(await other(request({ layers: layers(2) }))).toBe(texts[2]));
    });
  });

  it('goes on when states cannot be stored', async () => {
    await withEngine({ stateFolder: file('small'), maxStateBytes: 10, slots: 1 }, async (engine, ask) => {
      const first = await ask(request({ layers: layers(0) }));
      await ask(request({ layers: layers(1) }));
      expect(await ask(request({ layers: layers(0) }))).toBe(first);
      expect(engine.stats()).toMatchObject({ prefixRestores: 0, stateBytes: 0 });
    });
  });
});
