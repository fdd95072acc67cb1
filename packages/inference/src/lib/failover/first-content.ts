import type { LanguageModelV4StreamPart, LanguageModelV4StreamResult } from '@ai-sdk/provider';
import { toModelError } from '../failure/model-failure.ts';

/** Parts that tell the consumer nothing yet; a stream that fails after only these can still be replaced by another. */
const preamble: ReadonlySet<LanguageModelV4StreamPart['type']> = new Set([
  'stream-start',
  'response-metadata',
  'ping',
  'raw',
  'text-start',
  'reasoning-start',
]);

/**
 * Reads a stream up to its first content. Rejects with the error when the stream fails before; afterwards the returned stream holds
 * everything, and later errors stay in it, because repeating a half-delivered answer would deliver it twice.
 */
export async function untilFirstContent(
  result: LanguageModelV4StreamResult,
  id: string,
): Promise<LanguageModelV4StreamResult> {
  const reader = result.stream.getReader();
  const held: LanguageModelV4StreamPart[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw toModelError({ kind: 'stream-broken', message: 'the stream ended before the answer did' }, id);
      if (value.type === 'error') throw value.error;
      held.push(value);
      if (!preamble.has(value.type)) break;
    }
  } catch (error) {
    void reader.cancel().catch(() => undefined);
    throw error;
  }
  return { ...result, stream: replay(held, reader) };
}

function replay(
  held: LanguageModelV4StreamPart[],
  reader: ReadableStreamDefaultReader<LanguageModelV4StreamPart>,
): ReadableStream<LanguageModelV4StreamPart> {
  return new ReadableStream<LanguageModelV4StreamPart>(
    {
      start(controller) {
        for (const part of held) controller.enqueue(part);
      },
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
