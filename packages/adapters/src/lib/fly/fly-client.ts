import { setTimeout as sleep } from 'node:timers/promises';
import { GenieError } from '@genie/core/errors';
import { containerFailed, unreachable } from '../orchestrator/container-errors.ts';
import { retryAfterMs } from '../push/retry-after.ts';

export interface FlyConnection {
  /** Name of the Fly app whose machines these are. */
  readonly app: string;
  /** A deploy token of the app. */
  readonly token: string;
  /** The way out: `egress.fetch`. */
  readonly fetch: typeof fetch;
  /** Default `https://api.machines.dev`. */
  readonly origin?: string;
  /** Longest time for one call. Default 30,000. */
  readonly timeoutMs?: number;
  /** Tries of a call that was refused for its rate, or that the server could not answer. Default 6. */
  readonly maxTries?: number;
}

export interface FlyCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below `/v1/apps/<app>`. */
  readonly path: string;
  readonly body?: unknown;
  /** The lease that is held on the machine. */
  readonly nonce?: string | undefined;
  /** Added to the time limit: the server waits itself. */
  readonly extraMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** 408 is an answer: the state was not reached in time. */
  readonly isWait?: boolean;
}

/** Makes calls of the Machines API. Errors carry the HTTP status as `details.status`. */
export interface FlyClient {
  call<T>(call: FlyCall): Promise<T>;
}

/** Answers to a failed call that were not reached, or where the same call may go well a moment later. */
const again: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/**
 * A call that makes something is repeated only when it was refused (429) and not when its answer was lost, because then there may be two.
 */
export function createFlyClient(connection: FlyConnection): FlyClient {
  const { maxTries = 6 } = connection;
  return {
    async call<T>(call: FlyCall): Promise<T> {
      let pauseMs = 100;
      for (let tries = 1; ; tries += 1) {
        const result = await tryOnce(connection, call);
        if (result.kind === 'answer') return result.value as T;
        const mayRepeat =
          result.status === 429 ||
          (call.method !== 'POST' &&
            !(call.isWait && result.status === 408) &&
            (result.status === undefined || again.has(result.status)));
        if (!mayRepeat || tries >= maxTries || call.signal?.aborted) throw result.error;
        await sleep(
          Math.max(pauseMs / 2 + (Math.random() * pauseMs) / 2, result.afterMs ?? 0),
          undefined,
          call.signal ? { signal: call.signal } : {},
        );
        pauseMs = Math.min(pauseMs * 2, 5_000);
      }
    },
  };
}

type Result =
  | { readonly kind: 'answer'; readonly value: unknown }
  | { readonly kind: 'failure'; readonly error: GenieError; readonly status?: number; readonly afterMs?: number };

async function tryOnce(connection: FlyConnection, call: FlyCall): Promise<Result> {
  const { app, token, origin = 'https://api.machines.dev', timeoutMs = 30_000 } = connection;
  const limit = AbortSignal.timeout(timeoutMs + (call.extraMs ?? 0));
  let response: Response;
  let text: string;
  try {
    response = await connection.fetch(`${origin}/v1/apps/${encodeURIComponent(app)}${call.path}`, {
      method: call.method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(call.nonce === undefined ? {} : { 'fly-machine-lease-nonce': call.nonce }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      signal: call.signal ? AbortSignal.any([call.signal, limit]) : limit,
    });
    text = await response.text();
  } catch (error) {
    call.signal?.throwIfAborted();
    return { kind: 'failure', error: unreachable(`Fly at ${origin}`, error) };
  }
  if (response.ok) return { kind: 'answer', value: text === '' ? undefined : parse(text, call) };
  const { status } = response;
  const cause = new GenieError('GENIE_CONTAINER_FAILED', `${status} ${messageOf(text)}`, { details: { status } });
  const afterMs = retryAfterMs(response.headers.get('retry-after'), Date.now());
  return {
    kind: 'failure',
    status,
    error: containerFailedWithStatus(`${call.method} ${call.path.split('?')[0]} of Fly`, cause, status),
    ...(afterMs === undefined ? {} : { afterMs }),
  };
}

function containerFailedWithStatus(what: string, cause: unknown, status: number): GenieError {
  const { message } = containerFailed(what, cause);
  return new GenieError('GENIE_CONTAINER_FAILED', message, { cause, details: { status } });
}

function parse(text: string, call: FlyCall): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw containerFailed(`${call.method} ${call.path} of Fly`, error);
  }
}

function messageOf(text: string): string {
  try {
    return String((JSON.parse(text) as { error?: unknown }).error ?? text).slice(0, 300);
  } catch {
    return text.slice(0, 300);
  }
}

export function flyStatus(error: unknown): number | undefined {
  const status = GenieError.isInstance(error) ? error.details?.status : undefined;
  return typeof status === 'number' ? status : undefined;
}
