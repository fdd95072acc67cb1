import { describeThrown, GenieError } from '../genie-error.ts';
import type { AnswerPart } from '../journal/journal.ts';
import type { JsonObject } from '../json.ts';
import type { LanguageModel, ModelCallOptions, ModelContent, ModelStreamPart } from '../model/language-model.ts';
import type { Usage } from '../run-record.ts';
import { interrupted } from './abort-guard.ts';

/** A model's answer in our own form. */
export interface ModelAnswer {
  readonly content: readonly AnswerPart[];
  readonly text: string;
  readonly calls: readonly CallPart[];
  readonly finish: string;
  readonly usage: Usage;
}

export type CallPart = Extract<AnswerPart, { type: 'call' }>;

/** Where deltas go while an answer is streamed. `ready` is back-pressure: a promise while the reader is behind. */
export interface DeltaSink {
  text(delta: string): void;
  reasoning(delta: string): void;
  ready(): Promise<void> | undefined;
  /** Is given what lets go of the stream while it is read, and undefined once it is not. */
  leaving(leave: (() => void) | undefined): void;
}

/** An answer longer than this is cut off: a model that never ends must not fill the memory. In characters. */
const maxAnswerCharacters = 4_000_000;

/** So is one of more parts than this, empty ones included. */
const maxAnswerParts = 1_000_000;

/** Calls the model without streaming. Rejects with `GENIE_MODEL_ANSWER` when the answer is not of the contract's form. */
export function generateAnswer(model: LanguageModel, options: ModelCallOptions): PromiseLike<ModelAnswer> {
  return model.doGenerate(options).then((result) => {
    if (!Array.isArray(result?.content)) throw badAnswer(model, 'its content is not an array');
    const content: AnswerPart[] = [];
    for (const part of result.content) addContent(content, part, model);
    return completeAnswer(model, { content, finish: result.finishReason, usage: result.usage });
  });
}

/** Calls the model as a stream and hands deltas on as they come. Rejects like {@link generateAnswer}, and when the stream breaks. */
export async function streamAnswer(
  model: LanguageModel,
  options: ModelCallOptions,
  sink: DeltaSink,
): Promise<ModelAnswer> {
  const { abortSignal } = options;
  const result = await model.doStream(options);
  if (typeof result?.stream?.getReader !== 'function') throw badAnswer(model, 'it has no stream');
  const reader = result.stream.getReader();
  const assembly = new StreamAssembly(model, sink);
  let hasLeft = false;
  // Leaving early ends the provider's request too, also when it ignores its signal. The stream may be errored already.
  const cancel = () => void reader.cancel().catch(() => undefined);
  const leave = () => {
    hasLeft = true;
    cancel();
  };
  // A stream that comes too late must not take the place of the next one.
  if (abortSignal?.aborted) leave();
  else sink.leaving(leave);
  try {
    for (let parts = 1; ; parts += 1) {
      const { done, value } = await reader.read();
      if (hasLeft) throw interrupted;
      if (done) return assembly.complete();
      assembly.add(value);
      const behind = sink.ready();
      if (behind !== undefined) await behind;
      // A model that is never out of parts must not keep timers and aborts from their turn.
      if (parts % partsPerTurn === 0) await turn();
    }
  } catch (error) {
    if (!hasLeft) cancel();
    throw error;
  } finally {
    if (!hasLeft) sink.leaving(undefined);
  }
}

const partsPerTurn = 2_048;

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Puts a stream's parts together. */
class StreamAssembly {
  readonly #model: LanguageModel;
  readonly #sink: DeltaSink;
  readonly #content: AnswerPart[] = [];
  /** Parts that are not closed yet. Answers without text need none. */
  #open: Map<string, { type: 'text' | 'reasoning'; text: string; metadata?: JsonObject }> | undefined;
  #characters = 0;
  #parts = 0;
  #finish: unknown;
  #usage: unknown;
  #finished = false;

  constructor(model: LanguageModel, sink: DeltaSink) {
    this.#model = model;
    this.#sink = sink;
  }

  add(part: ModelStreamPart): void {
    this.#parts += 1;
    if (this.#parts > maxAnswerParts) throw badAnswer(this.#model, `it has more than ${maxAnswerParts} parts`);
    switch (part?.type) {
      case 'text-delta':
        this.#delta('text', part.id, part.delta);
        this.#sink.text(part.delta);
        return;
      case 'reasoning-delta':
        this.#delta('reasoning', part.id, part.delta);
        this.#sink.reasoning(part.delta);
        return;
      case 'text-end':
      case 'reasoning-end':
        this.#close(part.id, part.providerMetadata && plainMetadata(part.providerMetadata, this.#model));
        return;
      case 'finish':
        this.#finish = part.finishReason;
        this.#usage = part.usage;
        this.#finished = true;
        return;
      case 'error':
        throw part.error instanceof Error
          ? part.error
          : new GenieError('GENIE_MODEL_FAILED', `${nameOf(this.#model)} reported: ${describeThrown(part.error)}`);
      case 'tool-call':
        addContent(this.#content, part, this.#model);
        return;
      default:
        // Starts, pings, raw chunks, sources and files carry nothing that a text transcript keeps.
        return;
    }
  }

  complete(): ModelAnswer {
    for (const id of [...(this.#open?.keys() ?? [])]) this.#close(id, undefined);
    if (!this.#finished) throw badAnswer(this.#model, 'the stream ended without a finish part');
    return completeAnswer(this.#model, { content: this.#content, finish: this.#finish, usage: this.#usage });
  }

  #delta(type: 'text' | 'reasoning', id: string, delta: string): void {
    if (typeof delta !== 'string') throw badAnswer(this.#model, 'a delta is not a text');
    this.#characters += delta.length;
    if (this.#characters > maxAnswerCharacters) throw tooLong(this.#model);
    this.#open ??= new Map();
    const open = this.#open.get(id);
    if (open) open.text += delta;
    else this.#open.set(id, { type, text: delta });
  }

  #close(id: string, metadata: JsonObject | undefined): void {
    const open = this.#open?.get(id);
    if (!open) return;
    this.#open?.delete(id);
    if (open.text !== '' || metadata) this.#content.push({ ...open, ...(metadata ? { metadata } : {}) });
  }
}

function addContent(content: AnswerPart[], part: ModelContent, model: LanguageModel): void {
  const metadata =
    part?.type === 'text' || part?.type === 'reasoning' || part?.type === 'tool-call'
      ? part.providerMetadata
      : undefined;
  const extra = metadata ? { metadata: plainMetadata(metadata, model) } : undefined;
  if (part?.type === 'text' || part?.type === 'reasoning') {
    if (typeof part.text !== 'string') throw badAnswer(model, 'a text part has no text');
    content.push({ type: part.type, text: part.text, ...extra });
  } else if (part?.type === 'tool-call') {
    if (typeof part.toolCallId !== 'string' || typeof part.toolName !== 'string')
      throw badAnswer(model, 'a tool call has no id or name');
    // The provider ran it and its result is in the provider's own state.
    if (part.providerExecuted) return;
    const input = typeof part.input === 'string' ? part.input : JSON.stringify(part.input ?? {});
    content.push({ type: 'call', id: uniqueId(content, part.toolCallId, model), tool: part.toolName, input, ...extra });
  }
}

/** Metadata is journaled and goes back to the provider, so it has to survive as JSON. */
function plainMetadata(metadata: unknown, model: LanguageModel): JsonObject {
  try {
    return JSON.parse(JSON.stringify(metadata)) as JsonObject;
  } catch (error) {
    throw badAnswer(model, `its metadata is not JSON (${describeThrown(error)})`);
  }
}

/** More calls than this in one answer are garbage, not work. */
const maxCalls = 128;

/** Results are recorded by call id, so two calls of one answer must not share one. */
function uniqueId(content: readonly AnswerPart[], id: string, model: LanguageModel): string {
  if (content.length === 0) return id;
  let same = 0;
  let calls = 0;
  for (const part of content) {
    if (part.type !== 'call') continue;
    calls += 1;
    if (part.id === id || part.id.startsWith(`${id}#`)) same += 1;
  }
  if (calls >= maxCalls) throw badAnswer(model, `it makes more than ${maxCalls} tool calls`);
  return same === 0 ? id : `${id}#${same + 1}`;
}

interface CollectedAnswer {
  readonly content: readonly AnswerPart[];
  readonly finish: unknown;
  readonly usage: unknown;
}

function completeAnswer(model: LanguageModel, { content, finish, usage }: CollectedAnswer): ModelAnswer {
  let text = '';
  let calls: CallPart[] | undefined;
  let characters = 0;
  for (const part of content) {
    if (part.type === 'call') {
      calls ??= [];
      calls.push(part);
      characters += part.id.length + part.tool.length + part.input.length;
    } else {
      if (part.type === 'text') text += part.text;
      characters += part.text.length;
    }
  }
  if (characters > maxAnswerCharacters) throw tooLong(model);
  return { content, text, calls: calls ?? noCalls, finish: readFinish(finish), usage: readUsage(usage) };
}

const noCalls: readonly CallPart[] = [];

function readFinish(finish: unknown): string {
  const unified = typeof finish === 'string' ? finish : (finish as { unified?: unknown } | null | undefined)?.unified;
  return typeof unified === 'string' ? unified : 'other';
}

/** Token counts of one call; what a provider does not tell counts as 0. */
function readUsage(usage: unknown): Usage {
  const source = (usage ?? {}) as {
    inputTokens?: { total?: unknown; cacheRead?: unknown };
    outputTokens?: { total?: unknown };
  };
  return {
    inputTokens: readCount(source.inputTokens?.total),
    outputTokens: readCount(source.outputTokens?.total),
    cachedInputTokens: readCount(source.inputTokens?.cacheRead),
    modelCalls: 1,
  };
}

function readCount(value: unknown): number {
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : 0;
}

function tooLong(model: LanguageModel): GenieError {
  return badAnswer(model, `it is longer than ${maxAnswerCharacters} characters`);
}

function badAnswer(model: LanguageModel, reason: string): GenieError {
  return new GenieError('GENIE_MODEL_ANSWER', `The answer of ${nameOf(model)} cannot be used: ${reason}.`);
}

function nameOf(model: LanguageModel): string {
  return `model ${model.provider}/${model.modelId}`;
}
