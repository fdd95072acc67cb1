import type { LanguageModelV2, LanguageModelV2StreamPart, LanguageModelV3 } from '@ai-sdk/provider';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { LoopEvent } from '../events/genie-event.ts';
import type { AnyLanguageModel, LanguageModel, ModelStreamPart } from '../model/language-model.ts';
import { fixedClock } from '../testing/fixed-clock.ts';
import { scriptedModel } from '../testing/scripted-model.ts';
import { defineTool } from '../tool/define-tool.ts';
import { runLoop } from './run-loop.ts';

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};
const stop = { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage } as const;

describe('an answer that cannot be used', () => {
  it.each<[string, () => Partial<LanguageModel>]>([
    ['no content', () => ({ doGenerate: async () => ({}) as never })],
    ['a text part without text', () => ({ doGenerate: async () => ({ content: [{ type: 'text' }] }) as never })],
    [
      'a call without a name',
      () => ({ doGenerate: async () => ({ content: [{ type: 'tool-call', toolCallId: 'x' }] }) as never }),
    ],
    [
      'a thousand calls',
      () => ({
        doGenerate: async () =>
          ({
            content: Array.from({ length: 1_000 }, (_, index) => ({
              type: 'tool-call',
              toolCallId: `c${index}`,
              toolName: 'x',
              input: '{}',
            })),
          }) as never,
      }),
    ],
    [
      'five million characters',
      () => ({ doGenerate: async () => ({ content: [{ type: 'text', text: 'x'.repeat(5_000_000) }] }) as never }),
    ],
    [
      'metadata that is not JSON',
      () => ({
        doGenerate: async () =>
          ({ content: [{ type: 'text', text: 'x', providerMetadata: { a: { b: 1n } } }] }) as never,
      }),
    ],
    [
      'five million characters in many parts',
      () => ({
        doGenerate: async () =>
          ({ content: Array.from({ length: 50 }, () => ({ type: 'text', text: 'x'.repeat(100_000) })) }) as never,
      }),
    ],
    [
      'arguments of five million characters',
      () => ({
        doGenerate: async () =>
          ({
            content: [{ type: 'tool-call', toolCallId: 'a', toolName: 'x', input: 'x'.repeat(5_000_000) }],
          }) as never,
      }),
    ],
    ['no stream', () => ({ doStream: async () => ({}) as never })],
    ['a stream without an end', () => streaming([{ type: 'text-delta', id: '1', delta: 'x' }])],
    ['a delta that is no text', () => streaming([{ type: 'text-delta', id: '1', delta: 7 as never }, stop])],
  ])('(%s) is asked for once more, then ends the loop', async (_what, change) => {
    const changes = change();
    const { result, events } = await drive({ ...scriptedModel([{ text: 'x' }]), ...changes }, 'doStream' in changes);
    expect(result.finish).toMatchObject({ reason: 'model-error', error: { code: 'GENIE_MODEL_ANSWER' } });
    expect(events.flatMap((event) => (event.type === 'model.failed' ? [event.willRetry] : []))).toEqual([true, false]);
  });

  it('is forgotten when the second attempt is good', async () => {
    let calls = 0;
    const good = scriptedModel([{ text: 'fine' }]);
    const doGenerate: LanguageModel['doGenerate'] = async (options) => {
      calls += 1;
      return calls === 1 ? ({ content: 'garbage' } as never) : good.doGenerate(options);
    };
    const model: LanguageModel = { ...good, doGenerate };
    const { result } = await drive(model);
    expect(result).toMatchObject({ text: 'fine', finish: { reason: 'stop' } });
  });

  it('never becomes an exception, whatever parts a stream holds', async () => {
    const junk = fc.oneof(
      fc.constant(null),
      fc.string(),
      fc.jsonValue(),
      fc.record({
        type: fc.constantFrom(
          'text-delta',
          'text-start',
          'text-end',
          'reasoning-delta',
          'tool-call',
          'tool-input-delta',
          'error',
          'raw',
          'finish',
          'nonsense',
        ),
      }),
      fc.record({
        type: fc.constantFrom('text-delta', 'reasoning-delta', 'tool-call'),
        id: fc.anything(),
        delta: fc.anything(),
        toolCallId: fc.anything(),
        toolName: fc.anything(),
        input: fc.anything(),
        providerMetadata: fc.anything(),
      }),
    );
    const reasons = new Set(['stop', 'model-error', 'tool-error', 'repeat']);
    await fc.assert(
      fc.asyncProperty(fc.array(junk, { maxLength: 12 }), fc.boolean(), async (parts, ends) => {
        const stream = ends ? [...parts, stop] : parts;
        const { result } = await drive({ ...scriptedModel([]), ...streaming(stream as never) }, true);
        expect(reasons).toContain(result.finish.reason);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a model that fails', () => {
  it('is asked once more when the provider says that may help, and not otherwise', async () => {
    for (const isRetryable of [true, false]) {
      let calls = 0;
      const model: LanguageModel = {
        ...scriptedModel([]),
        doGenerate: async () => {
          calls += 1;
          throw Object.assign(new Error('overloaded'), { isRetryable });
        },
      };
      const { result } = await drive(model);
      expect(result.finish).toMatchObject({
        reason: 'model-error',
        error: { code: 'GENIE_MODEL_FAILED', message: 'overloaded' },
      });
      expect(calls).toBe(isRetryable ? 2 : 1);
    }
  });

  it('in the middle of its stream ends the loop with what it reported', async () => {
    const parts = [
      { type: 'text-delta', id: '1', delta: 'Half' },
      { type: 'error', error: { status: 500 } },
    ] as ModelStreamPart[];
    const { result } = await drive({ ...scriptedModel([]), ...streaming(parts) }, true);
    expect(result.finish).toMatchObject({
      reason: 'model-error',
      error: { message: expect.stringContaining('{"status":500}') },
    });
  });

  it.each([true, false])('by never answering is given up at its time limit (streamed: %s)', async (stream) => {
    const clock = fixedClock();
    const never = () => {
      setImmediate(() => clock.advance(1_000));
      return new Promise<never>(() => undefined);
    };
    const model: LanguageModel = { ...scriptedModel([]), doGenerate: never, doStream: never };
    const result = await runLoop({ model, prompt: 'go', stream, clock, limits: { modelTimeoutMs: 1_000 } }).result;
    expect(result.finish).toMatchObject({ reason: 'model-error', error: { code: 'GENIE_MODEL_TIMEOUT' } });
  });

  it('by never ending its stream is cut off at a size', async () => {
    let pulled = 0;
    let cancelled = 0;
    const endless = () =>
      new ReadableStream<ModelStreamPart>({
        pull: (controller) => {
          pulled += 1;
          controller.enqueue({ type: 'text-delta', id: '1', delta: 'x'.repeat(100_000) });
        },
        cancel: () => {
          cancelled += 1;
        },
      });
    const { result } = await drive({ ...scriptedModel([]), doStream: async () => ({ stream: endless() }) }, true);
    expect(result.finish).toMatchObject({ reason: 'model-error', error: { code: 'GENIE_MODEL_ANSWER' } });
    expect(pulled).toBeLessThan(200);
    expect(cancelled).toBe(2);
  });

  it('by never ending its stream is left when it took too long: no word of it comes later', async () => {
    let pulled = 0;
    let isLeft = false;
    const slow = () =>
      new ReadableStream<ModelStreamPart>({
        async pull(controller) {
          pulled += 1;
          await new Promise((resolve) => setTimeout(resolve, 2));
          controller.enqueue({ type: 'text-delta', id: '1', delta: 'and then ' });
        },
        cancel: () => {
          isLeft = true;
        },
      });
    const controller = new AbortController();
    const events: LoopEvent[] = [];
    const { result } = runLoop({
      model: { ...scriptedModel([]), doStream: async () => ({ stream: slow() }) },
      prompt: 'go',
      stream: true,
      signal: controller.signal,
      onEvent: (event) => events.push(event),
    });
    await expect.poll(() => pulled).toBeGreaterThan(3);
    controller.abort();
    expect((await result).finish.reason).toBe('aborted');
    const seen = [events.length, pulled];
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect([events.length, pulled]).toEqual(seen);
    expect(isLeft).toBe(true);
  });

  it('by never being out of empty parts is stopped like any other', async () => {
    const controller = new AbortController();
    const empty = (limit: number) =>
      new ReadableStream<ModelStreamPart>({
        pull: (parts) => {
          limit -= 1;
          if (limit === 0) parts.close();
          else parts.enqueue({ type: 'text-delta', id: '1', delta: '' });
        },
      });
    const stop = setTimeout(() => controller.abort(), 20);
    const model = { ...scriptedModel([]), doStream: async () => ({ stream: empty(900_000) }) };
    const { finish } = await runLoop({ model, prompt: 'go', stream: true, signal: controller.signal }).result;
    clearTimeout(stop);
    expect(finish.reason).toBe('aborted');
  });

  it('by repeating the same call is told so, and stopped', async () => {
    const same = defineTool({
      name: 'same',
      description: 'x',
      input: z.object({}),
      effect: 'read',
      run: () => 'nothing new',
    });
    const model = scriptedModel([{ calls: [{ tool: 'same', input: {} }] }]);
    const events: LoopEvent[] = [];
    const result = await runLoop({ model, prompt: 'go', tools: [same], onEvent: (event) => events.push(event) }).result;
    expect(result).toMatchObject({ steps: 24, finish: { reason: 'repeat', error: { code: 'GENIE_LOOP_REPEATS' } } });
    expect(events.flatMap((event) => (event.type === 'repeat.detected' ? [event.times] : []))).toEqual([3, 6, 12, 24]);
    expect(JSON.stringify(model.requests[3]?.prompt)).toContain('same result 3 times in a row');
  });
});

describe('models of older versions', () => {
  const echo = defineTool({
    name: 'echo',
    description: 'x',
    input: z.object({ value: z.number() }),
    effect: 'read',
    run: ({ value }) => value,
  });

  it.each([true, false])('work like new ones: version 3 (streamed: %s)', async (stream) => {
    const inner = scriptedModel([{ text: 'a', calls: [{ tool: 'echo', input: { value: 1 } }] }, { text: 'done' }]);
    const model = { ...inner, specificationVersion: 'v3' } as unknown as LanguageModelV3;
    const { result } = await drive(model, stream, [echo]);
    expect(result).toMatchObject({
      text: 'done',
      steps: 2,
      usage: { inputTokens: 20, outputTokens: 10 },
      finish: { reason: 'stop' },
    });
  });

  it.each([true, false])(
    'work like new ones: version 2, with its own usage and finish reasons (streamed: %s)',
    async (stream) => {
      const { result } = await drive(olderModel(), stream, [echo]);
      expect(result).toMatchObject({
        text: 'done',
        steps: 2,
        finish: { reason: 'stop' },
        usage: { inputTokens: 20, outputTokens: 10, cachedInputTokens: 8 },
        calls: [{ outcome: { status: 'completed', output: 1 } }],
      });
    },
  );
});

function olderModel(): LanguageModelV2 {
  let calls = 0;
  const usageV2 = { inputTokens: 10, outputTokens: 5, totalTokens: 15, cachedInputTokens: 4 };
  const content = () => {
    calls += 1;
    return calls === 1
      ? [{ type: 'tool-call' as const, toolCallId: 'c1', toolName: 'echo', input: '{"value":1}' }]
      : [{ type: 'text' as const, text: 'done' }];
  };
  return {
    specificationVersion: 'v2',
    provider: 'old',
    modelId: 'old-1',
    supportedUrls: {},
    doGenerate: async () => ({
      content: content(),
      finishReason: calls === 1 ? 'tool-calls' : 'unknown',
      usage: usageV2,
      warnings: [],
    }),
    doStream: async () => {
      const parts: LanguageModelV2StreamPart[] = [];
      for (const part of content()) {
        if (part.type === 'tool-call') parts.push(part);
        else
          parts.push(
            { type: 'text-start', id: '1' },
            { type: 'text-delta', id: '1', delta: part.text },
            { type: 'text-end', id: '1' },
          );
      }
      parts.push({ type: 'finish', finishReason: 'stop', usage: usageV2 });
      const queue = parts.values();
      const stream = new ReadableStream<LanguageModelV2StreamPart>({
        pull(controller) {
          const next = queue.next();
          if (next.done) controller.close();
          else controller.enqueue(next.value);
        },
      });
      return { stream };
    },
  };
}

function streaming(parts: readonly ModelStreamPart[]): Pick<LanguageModel, 'doStream'> {
  return {
    doStream: async () => ({
      stream: new ReadableStream({
        start(controller) {
          for (const part of parts) controller.enqueue(part);
          controller.close();
        },
      }),
    }),
  };
}

async function drive(
  model: AnyLanguageModel,
  stream = false,
  tools: NonNullable<Parameters<typeof runLoop>[0]['tools']> = [],
) {
  const events: LoopEvent[] = [];
  const result = await runLoop({ model, prompt: 'go', stream, tools, onEvent: (event) => events.push(event) }).result;
  return { result, events };
}
