import { scenarioFacts } from '../conformance/model-suite.ts';
import { half, line, saysStream, words } from './wire-parts.ts';
import type { ErrorScenario, WireFormat } from './wire-server.ts';

const { text, key, calls, inputTokens, outputTokens } = scenarioFacts;

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
