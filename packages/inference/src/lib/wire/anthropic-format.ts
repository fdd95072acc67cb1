import { scenarioFacts } from '../conformance/model-suite.ts';
import { event, half, halves, saysStream, words } from './wire-parts.ts';
import type { ErrorScenario, WireFormat } from './wire-server.ts';

const { text, key, calls, inputTokens, outputTokens } = scenarioFacts;

/** Anthropic Messages (https://docs.anthropic.com/en/api/messages-streaming). */
export const anthropicFormat: WireFormat = (() => {
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', stop_sequence: null };
  const usage = { input_tokens: inputTokens, output_tokens: outputTokens };
  const begin = event({
    type: 'message_start',
    message: { ...message, content: [], stop_reason: null, usage: { input_tokens: inputTokens, output_tokens: 1 } },
  } as never);
  const block = (index: number, start: object, deltas: readonly object[]) =>
    [
      { type: 'content_block_start', index, content_block: start },
      ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    ].map(event);
  const end = (reason: string) => [
    event({
      type: 'message_delta',
      delta: { stop_reason: reason, stop_sequence: null },
      usage: { output_tokens: outputTokens },
    } as never),
    event({ type: 'message_stop' }),
  ];
  const textDelta = (delta: string) => ({ type: 'text_delta', text: delta });
  const error = (type: string, said: string) => ({ type: 'error', error: { type, message: said } });
  const errors: Record<ErrorScenario, readonly [number, object]> = {
    auth: [401, error('authentication_error', 'invalid x-api-key')],
    'rate-limit': [429, error('rate_limit_error', 'This request would exceed your rate limit')],
    quota: [400, error('invalid_request_error', 'Your credit balance is too low to access the API')],
    overloaded: [529, error('overloaded_error', 'Overloaded')],
    'server-error': [500, error('api_error', 'Internal server error')],
    'context-length': [400, error('invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum')],
    'model-unknown': [404, error('not_found_error', 'model: m')],
    'echoes-key': [401, error('authentication_error', `invalid x-api-key: ${key}`)],
  };
  return {
    streamType: 'text/event-stream',
    isStream: saysStream,
    text: {
      whole: { ...message, content: [{ type: 'text', text }], stop_reason: 'end_turn', usage },
      pieces: [
        begin,
        ...block(0, { type: 'text', text: '' }, words.map(textDelta)),
        event({ type: 'ping' }),
        ...end('end_turn'),
      ],
    },
    toolCalls: {
      whole: {
        ...message,
        content: calls.map((input, index) => ({ type: 'tool_use', id: `toolu_${index}`, name: 'lookup', input })),
        stop_reason: 'tool_use',
        usage,
      },
      pieces: [
        begin,
        ...calls.flatMap((input, index) =>
          block(
            index,
            { type: 'tool_use', id: `toolu_${index}`, name: 'lookup', input: {} },
            halves(JSON.stringify(input)).map((partial) => ({ type: 'input_json_delta', partial_json: partial })),
          ),
        ),
        ...end('tool_use'),
      ],
    },
    beginning: [begin, ...block(0, { type: 'text', text: '' }, half.map(textDelta)).slice(0, -1)],
    errorInStream: event(error('overloaded_error', 'Overloaded')),
    error: (kind) => ({ status: errors[kind][0], body: errors[kind][1] }),
  };
})();
