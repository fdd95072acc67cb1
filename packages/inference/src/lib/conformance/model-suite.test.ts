import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { runConformance } from '@genie/core/conformance';
import type { LanguageModel } from '@genie/core/ports';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveModel } from '../resolve-model.ts';
import { chatCompletionsFormat } from '../wire/chat-completions-format.ts';
import { startWireServer, type WireServer } from '../wire/wire-server.ts';
import { modelSuite, scenarioFacts } from './model-suite.ts';

let server: WireServer;
beforeAll(async () => {
  server = await startWireServer(chatCompletionsFormat);
});
afterAll(() => server.close());

/** Changes each part of a stream; undefined drops it. */
function mapStream(
  model: LanguageModel,
  change: (part: LanguageModelV4StreamPart) => LanguageModelV4StreamPart | undefined,
): LanguageModel {
  return {
    ...model,
    doStream: async (options) => {
      const result = await model.doStream(options);
      const transform = new TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart>({
        transform(part, controller) {
          const changed = change(part);
          if (changed) controller.enqueue(changed);
        },
      });
      return { ...result, stream: result.stream.pipeThrough(transform) };
    },
  };
}

function mapError(model: LanguageModel, change: (error: unknown) => unknown): LanguageModel {
  const guard = async <Value>(work: PromiseLike<Value>): Promise<Value> => {
    try {
      return await work;
    } catch (error) {
      throw change(error);
    }
  };
  return {
    ...model,
    doGenerate: (options) => guard(model.doGenerate(options)),
    doStream: (options) => guard(model.doStream(options)),
  };
}

const withCode = (from: string, to: string) => (model: LanguageModel) =>
  mapError(model, (error) =>
    (error as { code?: string }).code === from ? Object.assign(new Error('x'), { code: to }) : error,
  );

/** Broken models and the first case that must catch each. */
const mutants: readonly (readonly [string, string, (model: LanguageModel) => LanguageModel])[] = [
  [
    'loses a part of the text',
    'generates text',
    (model) => ({
      ...model,
      doGenerate: async (options) => ({
        ...(await model.doGenerate(options)),
        content: [{ type: 'text', text: 'Gr' }],
      }),
    }),
  ],
  [
    'streams one piece twice',
    'streams the same text',
    (model) =>
      mapStream(model, (part) => (part.type === 'text-delta' ? { ...part, delta: part.delta + part.delta } : part)),
  ],
  [
    'never starts the stream',
    'streams the same text',
    (model) => mapStream(model, (part) => (part.type === 'stream-start' ? undefined : part)),
  ],
  [
    'gives all calls one id',
    'generates parallel',
    (model) => ({
      ...model,
      doGenerate: async (options) => {
        const result = await model.doGenerate(options);
        return {
          ...result,
          content: result.content.map((part) => (part.type === 'tool-call' ? { ...part, toolCallId: 'one' } : part)),
        };
      },
    }),
  ],
  [
    'drops streamed calls',
    'streams parallel',
    (model) => mapStream(model, (part) => (part.type === 'tool-call' ? undefined : part)),
  ],
  [
    'sends no tools',
    'sends tools',
    (model) => ({ ...model, doGenerate: ({ tools: _tools, ...options }) => model.doGenerate(options) }),
  ],
  ...(['AUTH', 'RATE_LIMIT', 'QUOTA', 'OVERLOADED', 'SERVER_ERROR', 'CONTEXT_LENGTH', 'UNKNOWN'] as const).map(
    (name) =>
      [
        `calls ${name} by another name`,
        `rejects with GENIE_MODEL_${name} `,
        withCode(`GENIE_MODEL_${name}`, 'GENIE_MODEL_FAILED'),
      ] as const,
  ),
  [
    'forgets how long to wait',
    'says how long',
    (model) => mapError(model, (error) => Object.assign(new Error('x'), { code: (error as { code?: string }).code })),
  ],
  [
    'takes garbage for an answer',
    'rejects an answer',
    (model) => ({
      ...model,
      doGenerate: async (options) => {
        try {
          return await model.doGenerate(options);
        } catch {
          return {
            content: [],
            finishReason: { unified: 'stop', raw: 'stop' },
            usage: {
              inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
              outputTokens: { total: 0, text: 0, reasoning: 0 },
            },
            warnings: [],
          };
        }
      },
    }),
  ],
  [
    'hides errors in the stream',
    'ends the stream with GENIE_MODEL_OVERLOADED',
    (model) => mapStream(model, (part) => (part.type === 'error' ? undefined : part)),
  ],
  [
    'ends a broken stream well',
    'ends the stream with GENIE_MODEL_STREAM_BROKEN (broken',
    (model) => mapStream(model, (part) => (part.type === 'error' ? undefined : part)),
  ],
  [
    'ends a short stream well',
    'ends the stream with GENIE_MODEL_STREAM_BROKEN (short',
    (model) => mapStream(model, (part) => (part.type === 'error' ? undefined : part)),
  ],
  [
    'does not hear the signal',
    'stops waiting',
    (model) => ({ ...model, doGenerate: ({ abortSignal: _signal, ...options }) => model.doGenerate(options) }),
  ],
  [
    'shows the key',
    'never shows',
    (model) => mapError(model, (error) => new Error(`${String(error)} ${scenarioFacts.key}`)),
  ],
];

describe('modelSuite', () => {
  it.each(mutants)('catches a model that %s', async (_name, caseName, break_) => {
    const cases = modelSuite.cases.filter((one) => one.name.startsWith(caseName));
    expect(cases).toHaveLength(1);
    const run = (change: (model: LanguageModel) => LanguageModel) =>
      runConformance(
        { ...modelSuite, cases },
        async () => ({
          setup: {
            model: (scenario) =>
              change(
                resolveModel('openai-compatible/m', {
                  apiKey: scenarioFacts.key,
                  baseURL: `${server.url}/${scenario}/v1`,
                }),
              ),
            requests: () => server.requests,
          },
          capabilities: new Set(['errors-in-stream']),
        }),
        { timeoutMs: 1_000 },
      );
    expect((await run((model) => model)).failed).toBe(0);
    expect((await run(break_)).failed).toBe(1);
  });

  it('has a mutant for every case', () => {
    for (const one of modelSuite.cases)
      expect(mutants.filter(([, name]) => one.name.startsWith(name)).length, one.name).toBeGreaterThan(0);
  });
});
