import { scenarioFacts } from '../conformance/model-suite.ts';
import { data, half, words } from './wire-parts.ts';
import type { ErrorScenario, WireFormat } from './wire-server.ts';

const { text, key, calls, inputTokens, outputTokens } = scenarioFacts;

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
