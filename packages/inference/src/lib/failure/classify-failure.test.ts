import { APICallError, JSONParseError, LoadAPIKeyError, NoSuchModelError } from '@ai-sdk/provider';
import { GenieError } from '@genie/core/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyFailure, readRetryAfter } from './classify-failure.ts';
import { failureTable, toModelError } from './model-failure.ts';

const api = (
  statusCode: number | undefined,
  message: string,
  more: Partial<ConstructorParameters<typeof APICallError>[0]> = {},
) =>
  new APICallError({
    message,
    url: 'https://a.example',
    requestBodyValues: {},
    ...(statusCode === undefined ? {} : { statusCode }),
    ...more,
  });

const withCode = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

describe('classifyFailure', () => {
  it.each([
    [api(401, 'no'), 'auth'],
    [api(403, 'You exceeded your current quota'), 'quota'],
    [api(402, 'no'), 'quota'],
    [api(404, 'no'), 'model-unknown'],
    [api(408, 'no'), 'timeout'],
    [api(413, 'no'), 'context-length'],
    [api(429, 'slow down'), 'rate-limit'],
    [api(429, 'insufficient_quota'), 'quota'],
    [api(500, 'no'), 'server-error'],
    [api(503, 'no'), 'overloaded'],
    [api(504, 'no'), 'timeout'],
    [api(529, 'no'), 'overloaded'],
    [api(400, 'maximum context length is 8192 tokens'), 'context-length'],
    [api(400, 'blocked by our content policy'), 'content-filter'],
    [api(400, 'invalid argument'), 'bad-request'],
    [api(422, 'no'), 'bad-request'],
    [api(200, 'Invalid JSON response'), 'bad-output'],
    [api(200, 'Failed to process the response', { cause: new TypeError('terminated') }), 'stream-broken'],
    [api(undefined, 'Cannot connect', { cause: withCode('ECONNREFUSED') }), 'network'],
    [new TypeError('fetch failed', { cause: withCode('ENOTFOUND') }), 'network'],
    [withCode('CERT_HAS_EXPIRED'), 'network'],
    [new TypeError('terminated'), 'stream-broken'],
    [new DOMException('late', 'TimeoutError'), 'timeout'],
    [new DOMException('stop', 'AbortError'), 'aborted'],
    [new LoadAPIKeyError({ message: 'no key' }), 'key-missing'],
    [new NoSuchModelError({ modelId: 'm', modelType: 'languageModel' }), 'model-unknown'],
    [new JSONParseError({ text: '{', cause: new Error('x') }), 'bad-output'],
    [new GenieError('GENIE_EGRESS_DENIED', 'no'), 'egress-denied'],
    [new TypeError('fetch failed', { cause: new GenieError('GENIE_APPROVAL_REQUIRED', 'ask') }), 'approval-required'],
    [{ type: 'overloaded_error', message: 'Overloaded' }, 'overloaded'],
    ['Too many requests', 'rate-limit'],
    [new Error('something else'), 'unknown'],
    [undefined, 'unknown'],
  ])('sorts %s as %s', (error, kind) => {
    expect(classifyFailure(error).kind).toBe(kind);
  });

  it('finds every kind again in the error that it was made of', () => {
    for (const kind of Object.keys(failureTable) as (keyof typeof failureTable)[]) {
      const error = toModelError({ kind, message: 'x', status: 418, retryAfterMs: 7 }, 'm');
      expect(classifyFailure(new Error('wrapped', { cause: error }))).toMatchObject({
        kind,
        status: 418,
        retryAfterMs: 7,
      });
    }
  });

  it('never throws, whatever was thrown', () => {
    fc.assert(
      fc.property(fc.anything(), (error) => {
        expect(Object.keys(failureTable)).toContain(classifyFailure(error).kind);
      }),
    );
    const endless: { cause?: unknown } = {};
    endless.cause = endless;
    expect(classifyFailure(endless).kind).toBe('unknown');
  });
});

describe('readRetryAfter', () => {
  const now = () => Date.parse('2026-01-01T00:00:00Z');
  it.each([
    [{ 'retry-after': '3' }, 3_000],
    [{ 'retry-after-ms': '250', 'retry-after': '3' }, 250],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' }, 9_000],
    [{ 'retry-after': 'Wed, 31 Dec 2025 00:00:09 GMT' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [undefined, undefined],
  ])('%j is %s ms', (headers, waitMs) => {
    expect(readRetryAfter(headers as Record<string, string> | undefined, now)).toBe(waitMs);
  });
});
