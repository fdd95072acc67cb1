import { scenarioFacts } from '../conformance/model-suite.ts';
import { openaiError, openaiErrors } from './openai-errors.ts';
import { data, half, halves, saysStream, words } from './wire-parts.ts';
import type { WireFormat } from './wire-server.ts';

const { text, calls, inputTokens, outputTokens } = scenarioFacts;

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
