import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import {
  type ConformanceCase,
  type ConformanceSuite,
  expectCode,
  expectEqual,
  expectThat,
} from '@genie/core/conformance';
import type { LanguageModel } from '@genie/core/ports';

/** What the server behind the model is to do. Each answer holds the same facts in every wire format. */
export type ModelScenario =
  /** The text {@link scenarioFacts.text} in several pieces; 12 input and 7 output tokens. */
  | 'text'
  /** Two parallel calls of `lookup`: `{"city":"Köln"}` and `{"city":"Bonn"}`. */
  | 'tool-calls'
  | 'auth'
  /** Status 429 with `retry-after: 2`. */
  | 'rate-limit'
  | 'quota'
  | 'overloaded'
  | 'server-error'
  | 'context-length'
  | 'model-unknown'
  /** Status 200 and a body that is not the documented form. */
  | 'garbage'
  /** Status 200, some text, then an overload reported inside the stream. */
  | 'error-in-stream'
  /** Status 200, some text, then the connection is gone. */
  | 'broken-stream'
  /** Status 200, some text, then an orderly end of the body without the end of the answer. */
  | 'short-stream'
  /** Nothing is ever answered. */
  | 'silent'
  /** The answer repeats the key in its error message. */
  | 'echoes-key';

export const scenarioFacts = {
  text: 'Grüße from Köln 🎉 and more words to stream.',
  key: 'sk-test-0123456789abcdefghijkl',
  calls: [{ city: 'Köln' }, { city: 'Bonn' }],
  inputTokens: 12,
  outputTokens: 7,
} as const;

/** A way to make the model under test talk to a server that plays a scenario. */
export interface ModelSetup {
  model(scenario: ModelScenario): LanguageModel | Promise<LanguageModel>;
  /** Bodies of the requests so far, as JSON text. */
  requests(): readonly string[];
}

/**
 * What a resolved model promises whatever its provider: the provider contract (V4), coded failures, no key in any error.
 * Capability `errors-in-stream`: the wire format can report an error after the stream began.
 */
export const modelSuite: ConformanceSuite<ModelSetup> = {
  port: 'LanguageModel',
  cases: [
    {
      name: 'generates text with usage and a finish reason',
      run: async (setup) => {
        const result = await (await setup.model('text')).doGenerate(call());
        const text = result.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
        expectEqual(text, scenarioFacts.text, 'text');
        expectAnswer(result.finishReason, result.usage, 'stop');
      },
    },
    {
      name: 'streams the same text in pieces, in the order of the contract',
      run: async (setup) => {
        const parts = await stream(await setup.model('text'));
        const deltas = parts.filter((part) => part.type === 'text-delta');
        expectEqual(deltas.map((part) => part.delta).join(''), scenarioFacts.text, 'text');
        expectThat(deltas.length > 1, `expected several pieces, got ${deltas.length}`);
        expectEqual(parts[0]?.type, 'stream-start', 'first part');
        const order = ['text-start', 'text-delta', 'text-end', 'finish'].map((type) =>
          parts.findIndex((part) => part.type === type),
        );
        expectThat(
          order.every((at, index) => at >= 0 && at > (order[index - 1] ?? -1)),
          `parts are out of order: ${order}`,
        );
        const finish = parts.at(-1);
        expectThat(finish?.type === 'finish', `last part is ${finish?.type}`);
        expectAnswer(finish.finishReason, finish.usage, 'stop');
      },
    },
    {
      name: 'generates parallel tool calls',
      run: async (setup) => expectCalls((await (await setup.model('tool-calls')).doGenerate(call())).content),
    },
    {
      name: 'streams parallel tool calls',
      run: async (setup) => {
        const parts = await stream(await setup.model('tool-calls'));
        expectCalls(parts);
        expectEqual(
          parts.findLast((part) => part.type === 'finish')?.finishReason.unified,
          'tool-calls',
          'finish reason',
        );
      },
    },
    {
      name: 'sends tools, results and a schema',
      run: async (setup) => {
        const model = await setup.model('text');
        await model.doGenerate(call({ prompt: conversation }));
        const body = setup.requests().at(-1) ?? '';
        for (const fact of ['Looks up a city', 'Köln', 'Where is the cathedral', '4711'])
          expectThat(body.includes(fact), `the request lacks ${fact}: ${body}`);
      },
    },
    ...(
      [
        ['auth', 'GENIE_MODEL_AUTH'],
        ['rate-limit', 'GENIE_MODEL_RATE_LIMIT'],
        ['quota', 'GENIE_MODEL_QUOTA'],
        ['overloaded', 'GENIE_MODEL_OVERLOADED'],
        ['server-error', 'GENIE_MODEL_SERVER_ERROR'],
        ['context-length', 'GENIE_MODEL_CONTEXT_LENGTH'],
        ['model-unknown', 'GENIE_MODEL_UNKNOWN'],
      ] as const
    ).map(([scenario, code]) => failsWith(scenario, code)),
    {
      name: 'says how long to wait',
      run: async (setup) => {
        const error = await rejection((await setup.model('rate-limit')).doGenerate(call()));
        expectEqual((error as { details?: { retryAfterMs?: number } }).details?.retryAfterMs, 2_000, 'retryAfterMs');
      },
    },
    {
      name: 'rejects an answer that is not the documented form',
      run: async (setup) =>
        expectCode(asPromise((await setup.model('garbage')).doGenerate(call())), 'GENIE_MODEL_BAD_OUTPUT'),
    },
    endsWith('error-in-stream', 'GENIE_MODEL_OVERLOADED', 'errors-in-stream'),
    endsWith('broken-stream', 'GENIE_MODEL_STREAM_BROKEN'),
    endsWith('short-stream', 'GENIE_MODEL_STREAM_BROKEN'),
    {
      name: 'stops waiting when aborted, with the reason of the signal',
      run: async (setup) => {
        const model = await setup.model('silent');
        for (const method of ['doGenerate', 'doStream'] as const) {
          const controller = new AbortController();
          const reason = new Error('enough');
          const startedAt = performance.now();
          const work = rejection(model[method](call({ abortSignal: controller.signal })));
          setTimeout(() => controller.abort(reason), 20);
          expectThat((await work) === reason, `${method} rejected with something else than the reason`);
          expectThat(
            performance.now() - startedAt < 2_000,
            `${method} took ${performance.now() - startedAt} ms to stop`,
          );
        }
      },
    },
    {
      name: 'never shows the key',
      run: async (setup) => {
        const model = await setup.model('echoes-key');
        for (const method of ['doGenerate', 'doStream'] as const) {
          const error = await rejection(model[method](call()));
          const shown = inspectDeep(error);
          for (const secret of [scenarioFacts.key, scenarioFacts.key.slice(0, 12)])
            expectThat(!shown.includes(secret), `the error shows the key: ${shown}`);
        }
      },
    },
  ],
};

const conversation: LanguageModelV4CallOptions['prompt'] = [
  { role: 'system', content: 'You answer.' },
  { role: 'user', content: [{ type: 'text', text: 'Where is the cathedral?' }] },
  {
    role: 'assistant',
    content: [{ type: 'tool-call', toolCallId: 'call_1', toolName: 'lookup', input: { city: 'Köln' } }],
  },
  {
    role: 'tool',
    content: [
      {
        type: 'tool-result',
        toolCallId: 'call_1',
        toolName: 'lookup',
        output: { type: 'json', value: { number: 4711 } },
      },
    ],
  },
];

function call(more: Partial<LanguageModelV4CallOptions> = {}): LanguageModelV4CallOptions {
  const inputSchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } as const;
  return {
    prompt: [{ role: 'user', content: [{ type: 'text', text: 'Where is the cathedral?' }] }],
    tools: [{ type: 'function', name: 'lookup', description: 'Looks up a city.', inputSchema: inputSchema as never }],
    ...more,
  };
}

async function stream(model: LanguageModel): Promise<LanguageModelV4StreamPart[]> {
  const { stream: readable } = await model.doStream(call());
  const parts: LanguageModelV4StreamPart[] = [];
  const reader = readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return parts;
    parts.push(value);
  }
}

function expectAnswer(finish: LanguageModelV4FinishReason, usage: LanguageModelV4Usage, unified: string): void {
  expectEqual(finish.unified, unified, 'finish reason');
  expectEqual(usage.inputTokens.total, scenarioFacts.inputTokens, 'input tokens');
  expectEqual(usage.outputTokens.total, scenarioFacts.outputTokens, 'output tokens');
}

function expectCalls(parts: readonly { readonly type: string }[]): void {
  const calls = parts.filter((part) => part.type === 'tool-call') as unknown as readonly {
    toolCallId: string;
    toolName: string;
    input: string;
  }[];
  expectEqual(
    calls.map((one) => JSON.parse(one.input)),
    scenarioFacts.calls,
    'inputs of the calls',
  );
  expectEqual(
    calls.map((one) => one.toolName),
    ['lookup', 'lookup'],
    'names of the calls',
  );
  expectEqual(new Set(calls.map((one) => one.toolCallId)).size, 2, 'different call ids');
}

function failsWith(scenario: ModelScenario, code: string): ConformanceCase<ModelSetup> {
  return {
    name: `rejects with ${code} (${scenario})`,
    run: async (setup) => {
      const model = await setup.model(scenario);
      await expectCode(asPromise(model.doGenerate(call())), code);
      await expectCode(asPromise(model.doStream(call())), code);
    },
  };
}

/** The text before the failure is delivered, then an error part with the code is the last part. */
function endsWith(scenario: ModelScenario, code: string, requires?: string): ConformanceCase<ModelSetup> {
  return {
    name: `ends the stream with ${code} (${scenario})`,
    ...(requires === undefined ? {} : { requires }),
    run: async (setup) => {
      const parts = await stream(await setup.model(scenario));
      expectThat(
        parts.some((part) => part.type === 'text-delta'),
        'the text before the failure is lost',
      );
      const last = parts.at(-1);
      expectThat(last?.type === 'error', `the last part is ${last?.type}`);
      expectEqual((last.error as { code?: string }).code, code, 'code');
    },
  };
}

async function asPromise<Value>(work: PromiseLike<Value>): Promise<Value> {
  return await work;
}

async function rejection(work: PromiseLike<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection, but the call resolved');
}

/** Everything that a logger could print of an error: own properties, also hidden ones, through causes. */
function inspectDeep(value: unknown, seen: Set<unknown> = new Set()): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || seen.has(value)) return String(value);
  seen.add(value);
  return Reflect.ownKeys(value)
    .map((key) => `${String(key)}: ${inspectDeep((value as Record<PropertyKey, unknown>)[key], seen)}`)
    .join('\n');
}
