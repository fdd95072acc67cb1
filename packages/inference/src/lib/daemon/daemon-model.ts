import { randomUUID } from 'node:crypto';
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { type LanguageModel, parseJson } from '@genie/core/ports';
import { toModelError } from '../failure/model-failure.ts';
import { resultToStream } from '../result-to-stream.ts';
import type { EngineRequest, EngineResult } from '../worker/engine-request.ts';
import { type AnswerForm, toEngineRequest } from './to-engine-request.ts';

export interface DaemonModelOptions {
  readonly modelId: string;
  readonly run: (
    request: Omit<EngineRequest, 'layers'>,
    more: { readonly onText?: (text: string) => void; readonly signal?: AbortSignal },
  ) => Promise<EngineResult>;
}

/** A language model over the daemon. Plain text streams as it comes; tool calls and JSON are written under a grammar and delivered whole. */
export function createDaemonModel({ modelId, run }: DaemonModelOptions): LanguageModel {
  const generate = async (options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> => {
    const { request, form, warnings } = toEngineRequest(options);
    let text = '';
    const onText = (piece: string) => {
      text += piece;
    };
    const result = await run(request, { onText, ...(options.abortSignal ? { signal: options.abortSignal } : {}) });
    const content = readAnswer(text, form, result, modelId);
    const calls = content.some((part) => part.type === 'tool-call');
    return { content, finishReason: finishOf(result, calls), usage: usageOf(result), warnings, response: { modelId } };
  };
  return {
    specificationVersion: 'v4',
    provider: 'local',
    modelId,
    supportedUrls: {},
    doGenerate: generate,
    async doStream(options) {
      options.abortSignal?.throwIfAborted();
      const { request, form, warnings } = toEngineRequest(options);
      // Half a call is of no use to anybody.
      if (form !== 'text') return { stream: resultToStream(await generate(options), options.abortSignal) };
      return { stream: streamText(request, { run, modelId }, { warnings, signal: options.abortSignal }) };
    },
  };
}

/** Pieces wait in the stream's own queue; they are bounded by `maxTokens`, so a reader that stops costs little and blocks nobody. */
function streamText(
  request: Omit<EngineRequest, 'layers'>,
  { run, modelId }: DaemonModelOptions,
  call: { readonly warnings: LanguageModelV4GenerateResult['warnings']; readonly signal: AbortSignal | undefined },
): ReadableStream<LanguageModelV4StreamPart> {
  const cancelled = new AbortController();
  const signal = call.signal ? AbortSignal.any([call.signal, cancelled.signal]) : cancelled.signal;
  return new ReadableStream<LanguageModelV4StreamPart>({
    async start(controller) {
      controller.enqueue({ type: 'stream-start', warnings: call.warnings });
      controller.enqueue({ type: 'response-metadata', modelId });
      controller.enqueue({ type: 'text-start', id: '0' });
      void run(request, { signal, onText: (delta) => controller.enqueue({ type: 'text-delta', id: '0', delta }) }).then(
        (result) => {
          controller.enqueue({ type: 'text-end', id: '0' });
          controller.enqueue({ type: 'finish', usage: usageOf(result), finishReason: finishOf(result, false) });
          controller.close();
        },
        (error: unknown) => {
          if (cancelled.signal.aborted) return;
          if (call.signal?.aborted) controller.error(call.signal.reason);
          else {
            controller.enqueue({ type: 'error', error });
            controller.close();
          }
        },
      );
    },
    cancel: () => cancelled.abort(),
  });
}

function readAnswer(text: string, form: AnswerForm, result: EngineResult, modelId: string): LanguageModelV4Content[] {
  if (form === 'text') return [{ type: 'text', text }];
  const value = parseAnswer(text, result, modelId);
  if (form === 'json') return [{ type: 'text', text }];
  const { calls, text: said } = value as {
    readonly calls?: readonly { readonly tool: string; readonly input: unknown }[];
    readonly text?: string;
  };
  if (!calls) return [{ type: 'text', text: said ?? '' }];
  return calls.map(({ tool, input }) => ({
    type: 'tool-call',
    toolCallId: `call_${randomUUID()}`,
    toolName: tool,
    input: JSON.stringify(input),
  }));
}

function parseAnswer(text: string, { finish, outputTokens }: EngineResult, modelId: string): unknown {
  try {
    return parseJson(text);
  } catch {
    const why =
      finish === 'length' ? `it was cut off after ${outputTokens} tokens: raise "maxOutputTokens"` : 'it is no JSON';
    throw toModelError({ kind: 'bad-output', message: `the answer is not usable, ${why}` }, `local/${modelId}`);
  }
}

function finishOf({ finish }: EngineResult, calls: boolean): LanguageModelV4GenerateResult['finishReason'] {
  return { unified: calls ? 'tool-calls' : finish, raw: finish };
}

function usageOf({ promptTokens, cachedTokens, outputTokens }: EngineResult): LanguageModelV4Usage {
  return {
    inputTokens: {
      total: promptTokens,
      noCache: promptTokens - cachedTokens,
      cacheRead: cachedTokens,
      cacheWrite: undefined,
    },
    outputTokens: { total: outputTokens, text: outputTokens, reasoning: 0 },
  };
}
