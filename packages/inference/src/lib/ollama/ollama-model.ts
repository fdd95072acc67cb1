import { randomUUID } from 'node:crypto';
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import type { LanguageModel } from '@genie/core/ports';
import { kindOfStatus, readRetryAfter } from '../failure/classify-failure.ts';
import { toModelError } from '../failure/model-failure.ts';
import { readLines } from '../read-lines.ts';
import { ChunkReader, readChunk } from './ollama-answer.ts';
import { toOllamaRequest } from './ollama-request.ts';

export interface OllamaModelOptions {
  readonly modelId: string;
  /** e.g. `http://127.0.0.1:11434`; a trailing `/api` or `/v1` is dropped. */
  readonly baseURL: string;
  readonly fetch: typeof globalThis.fetch;
  /** `num_ctx` of every request. */
  readonly contextTokens: number;
  /** Sent as a bearer token, for servers behind a proxy. */
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ids of tool calls that the server gave none. Default a random UUID. */
  readonly createId?: () => string;
}

/**
 * A model on an Ollama server, through its native chat API (NDJSON), so no extra package is needed and the context size can be set.
 * Rejects with the codes of {@link failureTable}; a broken stream is a `GENIE_MODEL_STREAM_BROKEN` part.
 */
export function createOllamaModel(options: OllamaModelOptions): LanguageModel {
  return {
    specificationVersion: 'v4',
    provider: 'ollama',
    modelId: options.modelId,
    supportedUrls: {},
    async doGenerate(call) {
      const { parts, warnings } = await request(options, call, false);
      const collected: LanguageModelV4StreamPart[] = [];
      for await (const part of parts) collected.push(part);
      return collect(collected, warnings, options);
    },
    async doStream(call) {
      const { parts, warnings } = await request(options, call, true);
      return { stream: toStream(parts, warnings, options.modelId) };
    },
  };
}

async function request(options: OllamaModelOptions, call: LanguageModelV4CallOptions, stream: boolean) {
  const id = `ollama/${options.modelId}`;
  const { body, warnings } = toOllamaRequest(options.modelId, call, { stream, contextTokens: options.contextTokens });
  const headers = { ...options.headers, ...call.headers };
  const response = await options.fetch(`${options.baseURL.replace(/\/+$/, '').replace(/\/(?:api|v1)$/, '')}/api/chat`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
      ...Object.fromEntries(
        Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
    },
    body: JSON.stringify(body),
    ...(call.abortSignal ? { signal: call.abortSignal } : {}),
  });
  if (!response.ok || !response.body) throw await refusal(response, id);
  return { parts: readParts(response.body, options, id), warnings };
}

async function refusal(response: Response, id: string) {
  const text = (await response.text().catch(() => '')).slice(0, 2_000);
  const message = /"error"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? (text.trim() || response.statusText);
  const retryAfterMs = readRetryAfter(Object.fromEntries(response.headers), Date.now);
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  return toModelError({ kind: kindOfStatus(response.status, text), message, status: response.status, ...wait }, id);
}

async function* readParts(
  body: ReadableStream<Uint8Array>,
  options: OllamaModelOptions,
  id: string,
): AsyncGenerator<LanguageModelV4StreamPart> {
  const reader = new ChunkReader(options.createId ?? (() => `call_${randomUUID()}`));
  let done = false;
  for await (const line of readLines(body)) {
    const chunk = readChunk(line, id);
    done ||= chunk.done === true;
    yield* reader.read(chunk);
    if (done) return;
  }
  throw toModelError({ kind: 'stream-broken', message: 'the stream ended before the answer did' }, id);
}

function toStream(
  parts: AsyncGenerator<LanguageModelV4StreamPart>,
  warnings: LanguageModelV4GenerateResult['warnings'],
  modelId: string,
): ReadableStream<LanguageModelV4StreamPart> {
  return new ReadableStream<LanguageModelV4StreamPart>(
    {
      start(controller) {
        controller.enqueue({ type: 'stream-start', warnings });
        controller.enqueue({ type: 'response-metadata', modelId });
      },
      async pull(controller) {
        try {
          const { done, value } = await parts.next();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          controller.enqueue({ type: 'error', error });
          controller.close();
        }
      },
      async cancel() {
        await parts.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

function collect(
  parts: readonly LanguageModelV4StreamPart[],
  warnings: LanguageModelV4GenerateResult['warnings'],
  options: OllamaModelOptions,
): LanguageModelV4GenerateResult {
  const content: LanguageModelV4Content[] = [];
  let usage: LanguageModelV4Usage | undefined;
  let finishReason: LanguageModelV4GenerateResult['finishReason'] = { unified: 'other', raw: undefined };
  for (const part of parts) {
    const last = content.at(-1);
    if (part.type === 'text-start') content.push({ type: 'text', text: '' });
    else if (part.type === 'reasoning-start') content.push({ type: 'reasoning', text: '' });
    else if (part.type === 'text-delta' || part.type === 'reasoning-delta') {
      if (last?.type === 'text' || last?.type === 'reasoning') last.text += part.delta;
    } else if (part.type === 'tool-call') content.push(part);
    else if (part.type === 'finish') ({ usage, finishReason } = part);
  }
  if (!usage) throw toModelError({ kind: 'bad-output', message: 'the answer has no end' }, `ollama/${options.modelId}`);
  return { content, finishReason, usage, warnings, response: { modelId: options.modelId } };
}
