import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ObjectStore, ToolContext } from '@genie/core';
import { describeThrown, GenieError } from '@genie/core/errors';
import { shortenResult } from './shorten-result.ts';

export interface ResultLimits {
  /** Most characters of JSON a model is shown. */
  readonly maxResultCharacters: number;
  /** Most bytes read from a result that is a stream. */
  readonly maxStreamBytes: number;
  readonly artifacts: ObjectStore | undefined;
}

/** Reads a result that comes as a stream (of text or bytes) up to the limit; other results stay as they are. */
export function settleStream(value: unknown, context: ToolContext, limits: ResultLimits): unknown {
  return isStream(value) ? readStream(value, context, limits.maxStreamBytes) : value;
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** What a chunk counts at least: a stream of empty ones is no stream without end. */
const leastBytes = 64;
/** A stream that is never waited for would keep every timer from firing. */
const chunksPerTurn = 500;

/** Leaving the loop early ends the stream at its source; so does an abort, however long the next chunk takes. */
async function readStream(
  stream: AsyncIterable<unknown>,
  context: ToolContext,
  maxBytes: number,
): Promise<string | { text: string; truncated: true }> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  let chunks = 0;
  for await (const chunk of untilAborted(stream, context.signal)) {
    const part = chunk instanceof Uint8Array ? decoder.decode(chunk, { stream: true }) : textOf(chunk, context);
    bytes += Math.max(leastBytes, chunk instanceof Uint8Array ? chunk.length : Buffer.byteLength(part));
    text += part;
    if (bytes > maxBytes) return { text, truncated: true };
    chunks += 1;
    if (chunks % chunksPerTurn === 0) await nextTurn();
  }
  return text + decoder.decode();
}

async function* untilAborted(stream: AsyncIterable<unknown>, signal: AbortSignal): AsyncGenerator<unknown> {
  signal.throwIfAborted();
  const source = stream[Symbol.asyncIterator]();
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    for (;;) {
      const { done, value } = await Promise.race([source.next(), aborted.promise]);
      if (done) return;
      yield value;
      signal.throwIfAborted();
    }
  } finally {
    signal.removeEventListener('abort', abort);
    // Not waited for: a source that hangs in its last chunk ends when it can.
    Promise.resolve(source.return?.()).catch(() => undefined);
  }
}

function textOf(chunk: unknown, context: ToolContext): string {
  return typeof chunk === 'string' ? chunk : `${toJson(chunk, context)}\n`;
}

/**
 * Gives a result back as it is when it is small; otherwise keeps it whole as an artifact, where `read_artifact` reads on,
 * and returns what fits. Throws `GENIE_TOOL_RESULT` for what is no JSON.
 */
export function boundResult(value: unknown, context: ToolContext, limits: ResultLimits): unknown {
  // Whatever is this short cannot be too long; most results are.
  if (value === undefined || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string' && value.length * 6 <= limits.maxResultCharacters) return value;
  const json = toJson(value, context);
  return json.length <= limits.maxResultCharacters ? value : spill(value, json, { context, limits });
}

function toJson(value: unknown, { tool }: ToolContext): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    throw new GenieError(
      'GENIE_TOOL_RESULT',
      `The result of "${tool}" is not JSON: ${describeThrown(error)}. Return plain objects, lists, texts and numbers.`,
      { cause: error },
    );
  }
}

interface Spill {
  readonly context: ToolContext;
  readonly limits: ResultLimits;
}

async function spill(value: unknown, json: string, { context, limits }: Spill): Promise<unknown> {
  const shorter = shortenResult(value, json, limits.maxResultCharacters - 400);
  if (!limits.artifacts)
    return { ...shorter, note: `The whole result has ${json.length} characters; what is missing was not kept.` };
  const content = typeof value === 'string' ? value : json;
  const key = ['tool-results', context.runId, `${context.callId}.${typeof value === 'string' ? 'txt' : 'json'}`]
    .map(toKeyPart)
    .join('/');
  await limits.artifacts.put(key, Buffer.from(content, 'utf8'), {
    contentType: typeof value === 'string' ? 'text/plain; charset=utf-8' : 'application/json',
    signal: context.signal,
  });
  return {
    ...shorter,
    artifact: key,
    note: `The whole result (${content.length} characters) is kept: read on with read_artifact { "key": ${JSON.stringify(key)} }.`,
  };
}

function toKeyPart(text: string): string {
  return (
    text
      .replace(/[^A-Za-z0-9._-]/g, '_')
      .replace(/^\.+/, '_')
      .slice(0, 200) || '_'
  );
}
