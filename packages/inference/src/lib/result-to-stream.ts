import type {
  LanguageModelV4Content,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';

/**
 * Streams a finished result in the order of the provider contract: `stream-start`, `response-metadata`, each content part, `finish`.
 * Parts are made as the reader asks for them; an abort errors the stream with the signal's reason.
 */
export function resultToStream(
  result: LanguageModelV4GenerateResult,
  signal: AbortSignal | undefined,
): ReadableStream<LanguageModelV4StreamPart> {
  const parts = streamParts(result);
  return new ReadableStream<LanguageModelV4StreamPart>(
    {
      pull(controller) {
        if (signal?.aborted) {
          controller.error(signal.reason);
          return;
        }
        const next = parts.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
    },
    { highWaterMark: 0 },
  );
}

function* streamParts(result: LanguageModelV4GenerateResult): Generator<LanguageModelV4StreamPart, undefined> {
  yield { type: 'stream-start', warnings: result.warnings };
  if (result.response) {
    const { id, timestamp, modelId } = result.response;
    yield {
      type: 'response-metadata',
      ...(id === undefined ? {} : { id }),
      ...(timestamp === undefined ? {} : { timestamp }),
      ...(modelId === undefined ? {} : { modelId }),
    };
  }
  for (const [index, part] of result.content.entries()) yield* contentParts(part, String(index));
  yield { type: 'finish', usage: result.usage, finishReason: result.finishReason };
  return undefined;
}

function* contentParts(part: LanguageModelV4Content, id: string): Generator<LanguageModelV4StreamPart, undefined> {
  if (part.type === 'text' || part.type === 'reasoning') {
    yield { type: `${part.type}-start`, id };
    for (const delta of chunksOf(part.text)) yield { type: `${part.type}-delta`, id, delta };
    yield { type: `${part.type}-end`, id };
  } else if (part.type === 'tool-call') {
    yield { type: 'tool-input-start', id: part.toolCallId, toolName: part.toolName };
    yield { type: 'tool-input-delta', id: part.toolCallId, delta: part.input };
    yield { type: 'tool-input-end', id: part.toolCallId };
    yield part;
  } else yield part;
  return undefined;
}

/** Pieces of up to 48 characters that end at a space or line break where there is one, so that no surrogate pair is torn. */
function chunksOf(text: string): readonly string[] {
  return text.match(/[\s\S]{1,47}(?:\s|$)|[\s\S]{1,48}/gu) ?? [];
}
