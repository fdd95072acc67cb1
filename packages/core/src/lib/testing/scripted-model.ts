import type {
  LanguageModel,
  ModelCallOptions,
  ModelContent,
  ModelGenerateResult,
  ModelStreamPart,
} from '../model/language-model.ts';

/** One answer of a {@link scriptedModel}. */
export interface ScriptedAnswer {
  readonly text?: string;
  readonly reasoning?: string;
  readonly calls?: readonly { readonly tool: string; readonly input: unknown; readonly id?: string }[];
  readonly finish?: 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'other';
  /** Default 10 tokens in, 5 out. */
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
  /** The call rejects (or the stream ends) with this. */
  readonly error?: unknown;
  /** Pieces the text is streamed in. Default: one. */
  readonly chunks?: number;
  readonly delayMs?: number;
}

export interface ScriptedModelOptions {
  readonly modelId?: string;
  readonly delayMs?: number;
}

export interface ScriptedModel extends LanguageModel {
  /** What each call was asked, in order. */
  readonly requests: readonly ModelCallOptions[];
}

/** The answers in order, or a function of the request. */
export type Script = readonly ScriptedAnswer[] | ((request: ModelCallOptions, index: number) => ScriptedAnswer);

/**
 * A real implementation of the model contract that answers from a script: a list (the last answer repeats) or a
 * function of the request. Honours the abort signal, streams, and records its requests.
 */
export function scriptedModel(script: Script, options: ScriptedModelOptions = {}): ScriptedModel {
  const requests: ModelCallOptions[] = [];
  const next = async (request: ModelCallOptions): Promise<ScriptedAnswer> => {
    const index = requests.push(request) - 1;
    const answer =
      typeof script === 'function' ? script(request, index) : (script[Math.min(index, script.length - 1)] ?? {});
    const delayMs = answer.delayMs ?? options.delayMs ?? 0;
    if (delayMs > 0) await delay(delayMs, request.abortSignal);
    request.abortSignal?.throwIfAborted();
    return answer;
  };
  return {
    specificationVersion: 'v4',
    provider: 'genie.scripted',
    modelId: options.modelId ?? 'scripted',
    supportedUrls: {},
    requests,
    async doGenerate(request) {
      const answer = await next(request);
      if (answer.error !== undefined) throw answer.error;
      return { content: toContent(answer, requests.length), ...ending(answer), warnings: [] };
    },
    async doStream(request) {
      const answer = await next(request);
      return { stream: toStream(answer, requests.length) };
    },
  };
}

function toContent(answer: ScriptedAnswer, step: number): ModelContent[] {
  const content: ModelContent[] = [];
  if (answer.reasoning !== undefined) content.push({ type: 'reasoning', text: answer.reasoning });
  if (answer.text !== undefined) content.push({ type: 'text', text: answer.text });
  answer.calls?.forEach((call, index) => {
    content.push({
      type: 'tool-call',
      toolCallId: call.id ?? `call-${step}-${index + 1}`,
      toolName: call.tool,
      input: typeof call.input === 'string' ? call.input : JSON.stringify(call.input),
    });
  });
  return content;
}

function ending(answer: ScriptedAnswer): Pick<ModelGenerateResult, 'finishReason' | 'usage'> {
  const { inputTokens, outputTokens } = answer.usage ?? { inputTokens: 10, outputTokens: 5 };
  const unified = answer.finish ?? (answer.calls && answer.calls.length > 0 ? 'tool-calls' : 'stop');
  return {
    finishReason: { unified, raw: unified },
    usage: {
      inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: outputTokens, text: outputTokens, reasoning: 0 },
    },
  };
}

function toStream(answer: ScriptedAnswer, step: number): ReadableStream<ModelStreamPart> {
  const parts: ModelStreamPart[] = [{ type: 'stream-start', warnings: [] }];
  for (const part of toContent(answer, step)) {
    if (part.type === 'text' || part.type === 'reasoning') {
      const id = `${part.type}-${step}`;
      parts.push({ type: `${part.type}-start`, id });
      for (const delta of split(part.text, answer.chunks ?? 1)) parts.push({ type: `${part.type}-delta`, id, delta });
      parts.push({ type: `${part.type}-end`, id });
    } else if (part.type === 'tool-call') {
      parts.push(part);
    }
  }
  parts.push(
    answer.error === undefined ? { type: 'finish', ...ending(answer) } : { type: 'error', error: answer.error },
  );
  let index = 0;
  return new ReadableStream<ModelStreamPart>({
    pull(controller) {
      const part = parts[index];
      index += 1;
      if (part) controller.enqueue(part);
      else controller.close();
    },
  });
}

function split(text: string, pieces: number): string[] {
  const size = Math.max(1, Math.ceil(text.length / pieces));
  const parts: string[] = [];
  for (let at = 0; at < text.length; at += size) parts.push(text.slice(at, at + size));
  return parts;
}

function delay(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, delayMs);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}
