import type {
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';

interface Frame {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

/** A whole chat completion. */
export function toCompletion(result: LanguageModelV4GenerateResult, frame: Frame): unknown {
  const text = result.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
  const calls = result.content.flatMap((part) => (part.type === 'tool-call' ? [part] : []));
  const tool_calls = calls.map(({ toolCallId, toolName, input }) => ({
    id: toolCallId,
    type: 'function',
    function: { name: toolName, arguments: input },
  }));
  return {
    ...frame,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text === '' && calls.length > 0 ? null : text,
          ...(calls.length > 0 ? { tool_calls } : {}),
        },
        finish_reason: toFinish(result.finishReason),
      },
    ],
    usage: toUsage(result.usage),
  };
}

/** Server-sent events for a stream, `[DONE]` included. An error part becomes an error event, and nothing follows it. */
export async function* toEvents(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  frame: Frame,
  includeUsage: boolean,
): AsyncGenerator<string> {
  const chunk = (choices: readonly unknown[], more: object = {}) =>
    event({ ...frame, object: 'chat.completion.chunk', choices, ...more });
  let calls = 0;
  yield chunk([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]);
  for await (const part of stream) {
    if (part.type === 'text-delta') yield chunk([{ index: 0, delta: { content: part.delta }, finish_reason: null }]);
    else if (part.type === 'tool-call') {
      const call = {
        index: calls,
        id: part.toolCallId,
        type: 'function',
        function: { name: part.toolName, arguments: part.input },
      };
      calls += 1;
      yield chunk([{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }]);
    } else if (part.type === 'error') {
      yield event(toErrorBody(part.error));
      return;
    } else if (part.type === 'finish') {
      yield chunk([{ index: 0, delta: {}, finish_reason: toFinish(part.finishReason) }]);
      if (includeUsage) yield chunk([], { usage: toUsage(part.usage) });
    }
  }
  yield 'data: [DONE]\n\n';
}

export function toErrorBody(error: unknown): {
  readonly error: { readonly message: string; readonly type: string; readonly code: string };
} {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return {
    error: {
      message: String(message ?? error),
      type: 'genie_error',
      code: typeof code === 'string' ? code : 'GENIE_MODEL_FAILED',
    },
  };
}

function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function toFinish({ unified }: LanguageModelV4FinishReason): string {
  if (unified === 'tool-calls') return 'tool_calls';
  if (unified === 'content-filter') return 'content_filter';
  return unified === 'length' ? 'length' : 'stop';
}

function toUsage({ inputTokens, outputTokens }: LanguageModelV4Usage): unknown {
  const prompt = inputTokens.total ?? 0;
  const completion = outputTokens.total ?? 0;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: inputTokens.cacheRead ?? 0 },
  };
}
