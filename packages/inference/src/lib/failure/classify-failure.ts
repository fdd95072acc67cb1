import {
  APICallError,
  EmptyResponseBodyError,
  InvalidResponseDataError,
  JSONParseError,
  LoadAPIKeyError,
  NoContentGeneratedError,
  NoSuchModelError,
  TypeValidationError,
  UnsupportedFunctionalityError,
} from '@ai-sdk/provider';
import { describeThrown, GenieError } from '@genie/core/errors';
import { failureTable, type ModelFailure, type ModelFailureKind } from './model-failure.ts';

/** Sorts whatever a model call threw into the taxonomy. Works for AI SDK providers, for our own models and for bare network errors. Never throws. */
export function classifyFailure(error: unknown, now: () => number = Date.now): ModelFailure {
  const chain = causesOf(error);
  const network = chain.map(fromNetwork).find((failure) => failure !== undefined);
  for (const one of chain) {
    const failure = fromGenie(one) ?? fromApi(one, now) ?? fromSdk(one) ?? fromAbort(one);
    // A connection that breaks under a good answer looks like a bad answer from outside.
    if (failure) return failure.kind === 'bad-output' && network ? { ...network, kind: 'stream-broken' } : failure;
  }
  return network ?? fromWords(describeThrown(error));
}

function causesOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  for (let at = error; at !== undefined && at !== null && chain.length < 8; at = (at as { cause?: unknown }).cause) {
    chain.push(at);
    const { errors, lastError } = at as { errors?: unknown; lastError?: unknown };
    if (lastError !== undefined) chain.push(lastError);
    else if (Array.isArray(errors)) chain.push(...errors.slice(0, 3));
  }
  // A GenieError deep in the chain says more than what wraps it.
  return [...chain.filter((one) => GenieError.isInstance(one)), ...chain.filter((one) => !GenieError.isInstance(one))];
}

function fromGenie(error: unknown): ModelFailure | undefined {
  if (!GenieError.isInstance(error)) return undefined;
  const status = error.details?.status;
  const wait = error.details?.retryAfterMs;
  const kind = Object.entries(failureTable).find(([, rule]) => rule.code === error.code)?.[0] as
    | ModelFailureKind
    | undefined;
  const own: Readonly<Record<string, ModelFailureKind>> = {
    GENIE_EGRESS_DENIED: 'egress-denied',
    GENIE_APPROVAL_REQUIRED: 'approval-required',
    GENIE_DAEMON_BUSY: 'overloaded',
    GENIE_WORKER_CRASHED: 'server-error',
  };
  return {
    kind: kind ?? own[error.code] ?? 'unknown',
    message: error.message,
    original: error,
    ...(typeof status === 'number' ? { status } : {}),
    ...(typeof wait === 'number' ? { retryAfterMs: wait } : {}),
  };
}

function fromApi(error: unknown, now: () => number): ModelFailure | undefined {
  if (!APICallError.isInstance(error)) return undefined;
  const { statusCode: status, responseHeaders } = error;
  // Some providers put the parsed body here.
  const body: unknown = error.responseBody;
  const responseBody = typeof body === 'string' ? body : (JSON.stringify(body) ?? '');
  const message = error.message || `status ${status}`;
  const text = `${message}\n${responseBody.slice(0, 4_000)}`;
  const retryAfterMs = readRetryAfter(responseHeaders, now);
  const base = {
    message,
    ...(status === undefined ? {} : { status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  if (status === undefined)
    return { ...base, kind: fromWords(text).kind === 'unknown' ? 'network' : fromWords(text).kind };
  return { ...base, kind: kindOfStatus(status, text) };
}

/** Sorts an HTTP status and the words of its body. Exported for models that speak HTTP themselves. */
export function kindOfStatus(status: number, text: string): ModelFailureKind {
  const words = fromWords(text).kind;
  if (status === 401 || status === 403) return words === 'quota' ? 'quota' : 'auth';
  if (status === 402) return 'quota';
  if (status === 404) return 'model-unknown';
  if (status === 408) return 'timeout';
  if (status === 413) return 'context-length';
  if (status === 429) return words === 'quota' ? 'quota' : 'rate-limit';
  if (status === 503 || status === 529) return 'overloaded';
  if (status === 504) return 'timeout';
  if (status >= 500) return words === 'overloaded' || words === 'bad-output' ? words : 'server-error';
  // A good status with an unusable body.
  if (status < 400) return words === 'unknown' ? 'bad-output' : words;
  if (words === 'context-length' || words === 'content-filter' || words === 'quota' || words === 'auth') return words;
  return words === 'model-unknown' ? 'model-unknown' : 'bad-request';
}

function fromSdk(error: unknown): ModelFailure | undefined {
  const message = describeThrown(error);
  if (LoadAPIKeyError.isInstance(error)) return { kind: 'key-missing', message };
  if (NoSuchModelError.isInstance(error)) return { kind: 'model-unknown', message };
  if (UnsupportedFunctionalityError.isInstance(error)) return { kind: 'bad-request', message };
  const bad = [
    EmptyResponseBodyError,
    InvalidResponseDataError,
    JSONParseError,
    TypeValidationError,
    NoContentGeneratedError,
  ];
  if (!bad.some((type) => type.isInstance(error))) return undefined;
  return { kind: fromWords(message).kind === 'stream-broken' ? 'stream-broken' : 'bad-output', message };
}

function fromAbort(error: unknown): ModelFailure | undefined {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  if (name === 'TimeoutError') return { kind: 'timeout', message: describeThrown(error) };
  return name === 'AbortError' ? { kind: 'aborted', message: describeThrown(error), original: error } : undefined;
}

const networkCodes =
  /^(?:ECONN|ENOTFOUND|EAI_|EHOST|ENET|EPIPE|ETIMEDOUT|EADDR|UND_ERR_|ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;

function fromNetwork(error: unknown): ModelFailure | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string' && networkCodes.test(code))
    return { kind: 'network', message: describeThrown(error) || code };
  if (error instanceof TypeError && /fetch failed|terminated|network/i.test(error.message)) {
    return { kind: error.message === 'terminated' ? 'stream-broken' : 'network', message: error.message };
  }
  return undefined;
}

/** What providers write when the status says too little, e.g. in an error event inside a stream that began with 200. */
const words: readonly (readonly [ModelFailureKind, RegExp])[] = [
  [
    'quota',
    /insufficient_quota|exceeded your current quota|credit balance|billing|payment required|quota.{0,20}exceeded.{0,40}(?:per day|perday|daily|free)/i,
  ],
  [
    'context-length',
    /context[_ ]length|maximum context|context window|prompt is too long|token count.{0,20}exceeds|too many tokens|exceeds?.{0,40}(?:context|token (?:limit|count))|input.{0,20}too long/i,
  ],
  [
    'content-filter',
    /content[_ ](?:filter|policy)|safety (?:system|filter)|content management policy|prohibited_content|blocked by/i,
  ],
  ['overloaded', /overloaded|over capacity|unavailable|high demand|server busy/i],
  ['rate-limit', /rate[_ ]?limit|too many requests|resource_exhausted/i],
  [
    'auth',
    /invalid.{0,12}api[_ -]?key|incorrect api key|api key not valid|authentication_error|unauthenticated|unauthorized|permission_denied/i,
  ],
  ['model-unknown', /model.{0,80}(?:not found|does not exist|not supported)|not_found_error|model_not_found/i],
  ['server-error', /internal server error|api_error|server_error|internal error/i],
  ['bad-output', /returned no output/i],
  ['stream-broken', /stream ended|ended without a finish/i],
  ['bad-request', /invalid_request_error|bad request|invalid argument/i],
];

function fromWords(text: string): ModelFailure {
  return {
    kind: words.find(([, pattern]) => pattern.test(text))?.[0] ?? 'unknown',
    message: text.split('\n')[0] ?? '',
  };
}

/** `retry-after-ms`, `retry-after` in seconds, or as an HTTP date (RFC 9110, section 10.2.3). */
export function readRetryAfter(
  headers: Readonly<Record<string, string>> | undefined,
  now: () => number,
): number | undefined {
  const inMs = Number(headers?.['retry-after-ms'] ?? Number.NaN);
  if (Number.isFinite(inMs) && inMs >= 0) return inMs;
  const value = headers?.['retry-after'];
  if (value === undefined) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const at = Date.parse(value);
  return Number.isFinite(at) ? Math.max(0, at - now()) : undefined;
}
