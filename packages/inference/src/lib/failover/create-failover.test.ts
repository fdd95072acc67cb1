import type {
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import type { GenieEvent, LanguageModel } from '@genie/core/ports';
import { describe, expect, it } from 'vitest';
import { failureTable, type ModelFailureKind, toModelError } from '../failure/model-failure.ts';
import { resultToStream } from '../result-to-stream.ts';
import { createFailover, type FailoverOptions } from './create-failover.ts';
import type { FailoverDecision } from './failover-decision.ts';

const kinds = Object.keys(failureTable) as ModelFailureKind[];
const call: LanguageModelV4CallOptions = { prompt: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }] };

const answer = (text: string): LanguageModelV4GenerateResult => ({
  content: [{ type: 'text', text }],
  finishReason: { unified: 'stop', raw: 'stop' },
  usage: {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  },
  warnings: [],
});

type Step = ModelFailureKind | Error | 'ok' | 'silent';

/** A model that plays a script, one step for each call, the last one for ever. */
function scripted(name: string, script: readonly Step[], provider = name): LanguageModel & { calls: number } {
  const play = async (options: LanguageModelV4CallOptions) => {
    const step = script[Math.min(model.calls, script.length - 1)] ?? 'ok';
    model.calls += 1;
    if (step instanceof Error) throw step;
    if (step === 'silent')
      await new Promise((_resolve, reject) =>
        options.abortSignal?.addEventListener('abort', () => reject(options.abortSignal?.reason)),
      );
    if (step !== 'ok' && step !== 'silent') throw toModelError({ kind: step, message: `${step} happened` }, name);
    return answer(`from ${name}`);
  };
  const model = {
    specificationVersion: 'v4' as const,
    provider,
    modelId: name,
    supportedUrls: {},
    calls: 0,
    doGenerate: play,
    doStream: async (options: LanguageModelV4CallOptions) => ({
      stream: resultToStream(await play(options), options.abortSignal),
    }),
  };
  return model;
}

function failover(models: readonly LanguageModel[], more: Partial<FailoverOptions> = {}) {
  const decisions: FailoverDecision[] = [];
  const events: GenieEvent[] = [];
  const model = createFailover({
    candidates: models.map((one) => ({ model: one, local: false })),
    wait: async () => {},
    onDecision: (decision) => decisions.push(decision),
    events: (event) => events.push(event),
    ...more,
  });
  const text = async () =>
    (await model.doGenerate(call)).content.map((part) => (part.type === 'text' ? part.text : '')).join('');
  return { model, decisions, events, text };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  );
}

describe('the failure table under injected faults', () => {
  for (const kind of kinds) {
    for (const length of [1, 2, 3, 4]) {
      it.each(['doGenerate', 'doStream'] as const)(`${kind}, chain of ${length}, %s`, async (method) => {
        const broken = Array.from({ length: length - 1 }, (_, index) => scripted(`broken-${index}`, [kind]));
        const last = scripted('last', length === 1 ? [kind] : ['ok']);
        const { model, decisions } = failover([...broken, last]);
        const { action, code } = failureTable[kind];
        const attempts = action === 'retry' ? 2 : 1;
        const reached = await codeOf(Promise.resolve(model[method](call)));
        if (length === 1 || action === 'stop') {
          expect(reached).toBe(code);
          expect([...broken, last].map((one) => one.calls)).toEqual([
            attempts,
            ...Array.from({ length: length - 1 }, () => 0),
          ]);
          expect(decisions.at(-1)).toMatchObject({ action: action === 'stop' ? 'stop' : 'fail-over', kind });
        } else {
          expect(reached).toBe('ok');
          expect(broken.map((one) => one.calls)).toEqual(broken.map(() => attempts));
          expect(last.calls).toBe(1);
          expect(decisions.filter((one) => one.action === 'retry')).toHaveLength(
            action === 'retry' ? broken.length : 0,
          );
          expect(decisions.at(-1)).toMatchObject({ action: 'use', model: 'last/last' });
        }
      });
    }
  }
});

describe('createFailover', () => {
  it('needs a candidate', () => {
    expect(() => createFailover({ candidates: [] })).toThrow(
      expect.objectContaining({ code: 'GENIE_FAILOVER_INVALID' }),
    );
  });

  it('says what every candidate said when none answers', async () => {
    const { text } = failover([scripted('a', ['auth']), scripted('b', ['quota'])]);
    await expect(text()).rejects.toMatchObject({
      code: 'GENIE_MODEL_ALL_FAILED',
      details: {
        failures: [
          { model: 'a/a', kind: 'auth' },
          { model: 'b/b', kind: 'quota' },
        ],
      },
    });
  });

  it('stays with the one that stood in, and goes back after the sticky time', async () => {
    let now = 0;
    const clock = { now: () => now, elapsed: () => now, schedule: () => () => {} };
    const first = scripted('first', ['quota', 'ok']);
    const { text, events } = failover([first, scripted('second', ['ok'])], { clock, stickyMs: 1_000 });
    expect(await text()).toBe('from second');
    now = 999;
    expect(await text()).toBe('from second');
    expect(first.calls).toBe(1);
    now = 1_000;
    expect(await text()).toBe('from first');
    expect(
      events.map((event) => (event.type === 'model.switched' ? [event.from, event.to, event.reason] : [])),
    ).toEqual([
      ['first/first', 'second/second', expect.stringContaining('quota happened')],
      ['second/second', 'first/first', 'restored'],
    ]);
  });

  it('opens the breaker of a provider that keeps failing, and lets one call try later', async () => {
    const first = scripted('first', ['server-error', 'server-error', 'server-error', 'ok']);
    const { text, decisions } = failover([first, scripted('second', ['ok'])], {
      stickyMs: 0,
      breaker: { failures: 3, halfOpenAfterMs: 50 },
      candidates: [{ model: first, attempts: 1 }, { model: scripted('second', ['ok']) }],
    });
    for (let count = 0; count < 5; count += 1) await text();
    expect(first.calls).toBe(3);
    expect(decisions.some((one) => one.reason.includes('breaker is open'))).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 70));
    expect(await text()).toBe('from first');
  });

  it('does not count wrong keys against the breaker', async () => {
    const first = scripted('first', ['auth', 'auth', 'auth', 'auth', 'ok']);
    const { text } = failover([first, scripted('second', ['ok'])], { stickyMs: 0 });
    for (let count = 0; count < 5; count += 1) await text();
    expect(first.calls).toBe(5);
  });

  it('keeps the deadline of a model that ignores its signal, and leaves the signal of the caller clean', async () => {
    const deaf: LanguageModel = { ...scripted('deaf', ['ok']), doGenerate: () => new Promise(() => {}) };
    const { model, decisions } = failover([], {
      candidates: [{ model: deaf, deadlineMs: 20 }, { model: scripted('second', ['ok']) }],
    });
    const controller = new AbortController();
    expect((await model.doGenerate({ ...call, abortSignal: controller.signal })).content).toMatchObject([
      { text: 'from second' },
    ]);
    expect(controller.signal.aborted).toBe(false);
    expect(decisions[0]).toMatchObject({ kind: 'timeout', action: 'fail-over' });
  });

  it('stops at once when aborted, with the reason, also while it waits for a retry', async () => {
    const reason = new Error('enough');
    for (const steps of [['silent'], ['overloaded']] as const) {
      const controller = new AbortController();
      const { wait: _wait, ...options } = {
        wait: undefined,
        candidates: [{ model: scripted('a', steps), attempts: 9 }, { model: scripted('b', ['ok']) }],
      };
      const model = createFailover(options);
      setTimeout(() => controller.abort(reason), 20);
      const work = Promise.resolve(model.doGenerate({ ...call, abortSignal: controller.signal }));
      await expect(work.catch((error: unknown) => error)).resolves.toBe(reason);
    }
  });

  it('waits as long as the provider asks, but no longer than it may', async () => {
    const asks = (retryAfterMs: number) =>
      toModelError({ kind: 'rate-limit', message: 'slow down', retryAfterMs }, 'a');
    const waits: number[] = [];
    const wait = async (waitMs: number) => void waits.push(waitMs);
    expect(await failover([scripted('a', [asks(700), 'ok'])], { wait }).text()).toBe('from a');
    expect(await failover([scripted('a', [asks(60_000), 'ok']), scripted('b', ['ok'])], { wait }).text()).toBe(
      'from b',
    );
    expect(waits).toEqual([700]);
  });

  it('uses only local candidates while the network is offline, and restores the order', async () => {
    const network = (state: 'online' | 'offline'): GenieEvent => ({
      type: 'network.changed',
      at: 0,
      source: 'test',
      state,
    });
    const { model, text } = failover([], {
      candidates: [{ model: scripted('cloud', ['ok']) }, { model: scripted('near', ['ok'], 'ollama') }],
    });
    expect(await text()).toBe('from cloud');
    model.observe(network('offline'));
    expect(await text()).toBe('from near');
    expect(model.provider).toBe('ollama');
    model.observe(network('online'));
    expect(await text()).toBe('from cloud');
  });

  it('leaves out what the budget does not cover and what is too small', async () => {
    const price = { inputUsdPerMillion: 1_000, outputUsdPerMillion: 1_000 };
    const cheap = failover([], {
      remainingUsd: () => 0.5,
      candidates: [{ model: scripted('dear', ['ok']), price }, { model: scripted('free', ['ok']) }],
    });
    expect(await cheap.text()).toBe('from free');
    expect(cheap.decisions[0]).toMatchObject({
      action: 'skip',
      model: 'dear/dear',
      reason: expect.stringContaining('0.5000 USD'),
    });
    const small = scripted('small', ['ok']);
    const large = failover([], {
      candidates: [
        { model: scripted('first', ['context-length']), contextTokens: 8_192 },
        { model: small, contextTokens: 4_096 },
        { model: scripted('large', ['ok']), contextTokens: 32_768 },
      ],
    });
    expect(await large.text()).toBe('from large');
    expect(small.calls).toBe(0);
  });

  it.each([0, 1, 2, 3, 4])('never repeats a stream after its content began (fails at part %i)', async (failsAt) => {
    const parts: LanguageModelV4StreamPart[] = [
      { type: 'stream-start', warnings: [] },
      { type: 'text-start', id: '0' },
      { type: 'text-delta', id: '0', delta: 'half' },
      { type: 'tool-call', toolCallId: 'c1', toolName: 'pay', input: '{}' },
    ];
    const error = toModelError({ kind: 'network', message: 'reset' }, 'first');
    const first: LanguageModel = {
      ...scripted('first', ['ok']),
      doStream: async () => ({
        stream: ReadableStream.from<LanguageModelV4StreamPart>([...parts.slice(0, failsAt), { type: 'error', error }]),
      }),
    };
    const second = scripted('second', ['ok']);
    const { model } = failover([first, second]);
    const seen: LanguageModelV4StreamPart[] = [];
    for await (const part of (await model.doStream(call)).stream) seen.push(part);
    const contentBegan = failsAt > 2;
    expect(second.calls).toBe(contentBegan ? 0 : 1);
    expect(seen.at(-1)?.type).toBe(contentBegan ? 'error' : 'finish');
    expect(seen.filter((part) => part.type === 'tool-call')).toHaveLength(failsAt > 3 ? 1 : 0);
    const said = seen.map((part) => (part.type === 'text-delta' ? part.delta : '')).join('');
    expect(said).toBe(contentBegan ? 'half' : 'from second');
  });
});
