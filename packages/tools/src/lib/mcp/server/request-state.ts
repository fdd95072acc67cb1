import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Clock, canonicalJson, type JsonObject } from '@genie/core/ports';
import { protocolError, rpcCodes } from '../mcp-errors.ts';
import { sha256 } from '../sha256.ts';

export interface RequestStates {
  /** Seals the answers so far for the exact request that asked. */
  seal(request: StateRequest, answers: JsonObject): string;
  /** Throws a JSON-RPC error for a state that was changed, is too old or belongs to another request. */
  open(request: StateRequest, state: string): JsonObject;
}

export interface StateRequest {
  readonly method: string;
  /** Name and arguments, without the answers. */
  readonly target: unknown;
}

const lifetimeMs = 10 * 60_000;

/**
 * State that travels through the client and must come back as it left: HMAC-SHA-256 over answers, expiry and a hash of
 * the request. Signed, not secret: the client may read its own answers. No memory is held between the rounds.
 */
export function createRequestStates(key: Uint8Array, clock: Pick<Clock, 'now'>): RequestStates {
  const sign = (body: string): Buffer => createHmac('sha256', key).update(body).digest();
  return {
    seal(request, answers) {
      const body = Buffer.from(
        JSON.stringify({ v: 1, answers, until: clock.now() + lifetimeMs, request: hashRequest(request) }),
      ).toString('base64url');
      return `${body}.${sign(body).toString('base64url')}`;
    },
    open(request, state) {
      const [body = '', mac = '', ...rest] = state.split('.');
      const given = Buffer.from(mac, 'base64url');
      const wanted = sign(body);
      const genuine = rest.length === 0 && given.length === wanted.length && timingSafeEqual(given, wanted);
      // A lenient base64 decoder would take a changed tail: compare the text too.
      if (!genuine || wanted.toString('base64url') !== mac) throw refused();
      const content = JSON.parse(Buffer.from(body, 'base64url').toString()) as {
        readonly answers: JsonObject;
        readonly until: number;
        readonly request: string;
      };
      if (content.until < clock.now() || content.request !== hashRequest(request)) throw refused();
      return content.answers;
    },
  };
}

function hashRequest(request: StateRequest): string {
  return sha256(canonicalJson(request));
}

function refused(): Error {
  return protocolError(rpcCodes.invalidParams, 'Invalid or expired requestState', { reason: 'invalid_request_state' });
}
