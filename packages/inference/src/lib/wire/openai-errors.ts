import { scenarioFacts } from '../conformance/model-suite.ts';
import type { ErrorScenario } from './wire-server.ts';

const { key } = scenarioFacts;

/** An error's body. */
export const openaiError = (said: string, type: string, code: string | null) => ({
  error: { message: said, type, param: null, code },
});
/** Status and body for each error scenario, as OpenAI answers. */
export const openaiErrors: Record<ErrorScenario, readonly [number, object]> = {
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
