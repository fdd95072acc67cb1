import { scenarioFacts } from '../conformance/model-suite.ts';
import type { ErrorScenario, WireFormat } from './wire-server.ts';

const { text, key, calls, inputTokens, outputTokens } = scenarioFacts;
const words = text.split(/(?<= )/);
const half = words.slice(0, 4);

const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const event = (value: { type: string }) => `event: ${value.type}\n${data(value)}`;
const line = (value: unknown) => `${JSON.stringify(value)}\n`;
const saysStream = (_request: unknown, body: string) => (JSON.parse(body) as { stream?: boolean }).stream === true;

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

const openaiError = (said: string, type: string, code: string | null) => ({
  error: { message: said, type, param: null, code },
});
const openaiErrors: Record<ErrorScenario, readonly [number, object]> = {
  auth: [401, openaiError('Incorrect API key provided', 'invalid_request_error', 'invalid_api_key')],
  'rate-limit': [429, openaiError('Rate limit reached for m', 'requests', 'rate_limit_exceeded')],
  quota: [
    429,
    openaiError('You exceeded your current quota, please check your plan', 'insufficient_quota', 'insufficient_quota'),
  ],
  overloaded: [503, openaiError('The engine is currently overloaded, please try again later', 'server_error', null)],
  'server-error': [500, openaiError('The server had an error while processing your request', 'server_error', null)],
  'context-length': [
    400,
    openaiError(
      "This model's maximum context length is 8192 tokens",
      'invalid_request_error',
      'context_length_exceeded',
    ),
  ],
  'model-unknown': [404, openaiError('The model `m` does not exist', 'invalid_request_error', 'model_not_found')],
  'echoes-key': [
    401,
    openaiError(
      `Incorrect API key provided: ${key.slice(0, 8)}******${key.slice(-4)} (${key})`,
      'invalid_request_error',
      'invalid_api_key',
    ),
  ],
};

/** OpenAI Responses (https://platform.openai.com/docs/api-reference/responses-streaming). */
export const openaiFormat: WireFormat = (() => {
  const usage = { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
  const response = {
    id: 'resp_1',
    object: 'response',
    created_at: 1_700_000_000,
    model: 'm',
    status: 'completed',
    error: null,
    incomplete_details: null,
  };
  const item = {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text, annotations: [] }],
  };
  const callItem = (index: number) => ({
    type: 'function_call',
    id: `fc_${index}`,
    call_id: `call_${index}`,
    name: 'lookup',
    arguments: JSON.stringify(calls[index]),
    status: 'completed',
  });
  const begin = event({
    type: 'response.created',
    response: { ...response, status: 'in_progress', output: [] },
  } as never);
  const added = (index: number, value: object) =>
    event({ type: 'response.output_item.added', output_index: index, item: value } as never);
  const done = (index: number, value: object) =>
    event({ type: 'response.output_item.done', output_index: index, item: value } as never);
  const delta = (piece: string) =>
    event({
      type: 'response.output_text.delta',
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      delta: piece,
    } as never);
  const end = (output: readonly object[]) =>
    event({ type: 'response.completed', response: { ...response, output, usage } } as never);
  return {
    streamType: 'text/event-stream',
    isStream: saysStream,
    text: {
      whole: { ...response, output: [item], usage },
      pieces: [
        begin,
        added(0, { ...item, content: [], status: 'in_progress' }),
        ...words.map(delta),
        done(0, item),
        end([item]),
      ],
    },
    toolCalls: {
      whole: { ...response, output: [callItem(0), callItem(1)], usage },
      pieces: [
        begin,
        ...[0, 1].flatMap((index) => [
          added(index, { ...callItem(index), arguments: '', status: 'in_progress' }),
          ...halves(callItem(index).arguments).map((piece) =>
            event({
              type: 'response.function_call_arguments.delta',
              item_id: `fc_${index}`,
              output_index: index,
              delta: piece,
            } as never),
          ),
          done(index, callItem(index)),
        ]),
        end([callItem(0), callItem(1)]),
      ],
    },
    beginning: [begin, added(0, { ...item, content: [], status: 'in_progress' }), ...half.map(delta)],
    errorInStream: event({
      type: 'error',
      sequence_number: 9,
      error: {
        type: 'server_error',
        code: 'server_overloaded',
        message: 'The engine is currently overloaded',
        param: null,
      },
    } as never),
    error: (kind) => ({ status: openaiErrors[kind][0], body: openaiErrors[kind][1] }),
  };
})();

/** OpenAI Chat Completions, the form that most other servers speak. */
export const chatCompletionsFormat: WireFormat = (() => {
  const usage = {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
  const base = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'm' };
  const chunk = (delta: object, reason: string | null = null) =>
    data({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: reason }] });
  const end = (reason: string) => [
    chunk({}, reason),
    data({ ...base, object: 'chat.completion.chunk', choices: [], usage }),
    'data: [DONE]\n\n',
  ];
  const whole = (message: object, reason: string) => ({
    ...base,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: reason }],
    usage,
  });
  const call = (index: number, value: string) => ({
    index,
    id: `call_${index}`,
    type: 'function',
    function: { name: 'lookup', arguments: value },
  });
  return {
    streamType: 'text/event-stream',
    isStream: saysStream,
    text: {
      whole: whole({ content: text }, 'stop'),
      pieces: [
        chunk({ role: 'assistant', content: '' }),
        ...words.map((piece) => chunk({ content: piece })),
        ...end('stop'),
      ],
    },
    toolCalls: {
      whole: whole(
        { content: null, tool_calls: calls.map((input, index) => call(index, JSON.stringify(input))) },
        'tool_calls',
      ),
      pieces: [
        ...calls.flatMap((input, index) => {
          const [first = '', second = ''] = halves(JSON.stringify(input));
          return [
            chunk({ tool_calls: [call(index, first)] }),
            chunk({ tool_calls: [{ index, function: { arguments: second } }] }),
          ];
        }),
        ...end('tool_calls'),
      ],
    },
    beginning: [chunk({ role: 'assistant', content: '' }), ...half.map((piece) => chunk({ content: piece }))],
    errorInStream: data(openaiError('The engine is currently overloaded', 'server_error', null)),
    error: (kind) => ({ status: openaiErrors[kind][0], body: openaiErrors[kind][1] }),
  };
})();

/** Google Generative Language (https://ai.google.dev/api/generate-content). */
export const googleFormat: WireFormat = (() => {
  const usageMetadata = {
    promptTokenCount: inputTokens,
    candidatesTokenCount: outputTokens,
    totalTokenCount: inputTokens + outputTokens,
  };
  const chunk = (parts: readonly object[], finishReason?: string) => ({
    candidates: [{ content: { role: 'model', parts }, index: 0, ...(finishReason ? { finishReason } : {}) }],
    ...(finishReason ? { usageMetadata } : {}),
    modelVersion: 'm',
  });
  const functionCalls = calls.map((args) => ({ functionCall: { name: 'lookup', args } }));
  const error = (code: number, said: string, status: string) =>
    [code, { error: { code, message: said, status } }] as const;
  const errors: Record<ErrorScenario, readonly [number, object]> = {
    auth: error(400, 'API key not valid. Please pass a valid API key.', 'INVALID_ARGUMENT'),
    'rate-limit': error(429, 'Resource has been exhausted (e.g. check quota).', 'RESOURCE_EXHAUSTED'),
    quota: error(
      429,
      'You exceeded your current quota, please check your plan and billing details.',
      'RESOURCE_EXHAUSTED',
    ),
    overloaded: error(503, 'The model is overloaded. Please try again later.', 'UNAVAILABLE'),
    'server-error': error(500, 'An internal error has occurred.', 'INTERNAL'),
    'context-length': error(
      400,
      'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
      'INVALID_ARGUMENT',
    ),
    'model-unknown': error(404, 'models/m is not found for API version v1beta', 'NOT_FOUND'),
    'echoes-key': error(403, `The caller with key ${key} has no permission`, 'PERMISSION_DENIED'),
  };
  return {
    streamType: 'text/event-stream',
    isStream: (request) => (request.url ?? '').includes('streamGenerateContent'),
    text: {
      whole: chunk([{ text }], 'STOP'),
      pieces: words.map((piece, index) =>
        data(chunk([{ text: piece }], index === words.length - 1 ? 'STOP' : undefined)),
      ),
    },
    toolCalls: {
      whole: chunk(functionCalls, 'STOP'),
      pieces: [data(chunk(functionCalls.slice(0, 1))), data(chunk(functionCalls.slice(1), 'STOP'))],
    },
    beginning: half.map((piece) => data(chunk([{ text: piece }]))),
    errorInStream: data(errors.overloaded[1]),
    error: (kind) => ({ status: errors[kind][0], body: errors[kind][1] }),
  };
})();

/** Ollama's native chat (https://github.com/ollama/ollama/blob/main/docs/api.md). */
export const ollamaFormat: WireFormat = (() => {
  const chunk = (message: object, more: object = { done: false }) => ({
    model: 'm',
    created_at: '2026-01-01T00:00:00Z',
    message: { role: 'assistant', content: '', ...message },
    ...more,
  });
  const end = { done: true, done_reason: 'stop', prompt_eval_count: inputTokens, eval_count: outputTokens };
  const tool_calls = calls.map((value) => ({ function: { name: 'lookup', arguments: value } }));
  const errors: Record<ErrorScenario, readonly [number, object]> = {
    auth: [401, { error: 'unauthorized' }],
    'rate-limit': [429, { error: 'too many requests' }],
    quota: [402, { error: 'payment required' }],
    overloaded: [503, { error: 'server busy, please try again. maximum pending requests exceeded' }],
    'server-error': [500, { error: 'llama runner process has terminated: exit status 2' }],
    'context-length': [400, { error: 'the input length exceeds the context length' }],
    'model-unknown': [404, { error: 'model "m" not found, try pulling it first' }],
    'echoes-key': [401, { error: `unauthorized: ${key}` }],
  };
  return {
    streamType: 'application/x-ndjson',
    isStream: saysStream,
    text: {
      whole: chunk({ content: text }, end),
      pieces: [...words.map((piece) => line(chunk({ content: piece }))), line(chunk({}, end))],
    },
    toolCalls: {
      whole: chunk({ tool_calls }, end),
      pieces: [
        line(chunk({ tool_calls: tool_calls.slice(0, 1) })),
        line(chunk({ tool_calls: tool_calls.slice(1) })),
        line(chunk({}, end)),
      ],
    },
    beginning: half.map((piece) => line(chunk({ content: piece }))),
    errorInStream: line({ error: 'server busy, please try again. maximum pending requests exceeded' }),
    error: (kind) => ({ status: errors[kind][0], body: errors[kind][1] }),
  };
})();

function halves(value: string): readonly [string, string] {
  const middle = Math.ceil(value.length / 2);
  return [value.slice(0, middle), value.slice(middle)];
}
