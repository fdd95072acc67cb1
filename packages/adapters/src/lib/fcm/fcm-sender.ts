import { describeThrown } from '@genie/core/errors';
import { type Clock, systemClock } from '@genie/core/ports';
import { clipBytes } from '../push/clip-bytes.ts';
import type { PushMessage, PushOutcome, PushSender } from '../push/push-sender.ts';
import { retryAfterMs } from '../push/retry-after.ts';
import { shortId } from '../push/short-id.ts';
import { createFcmToken, type FcmToken } from './fcm-token.ts';
import type { ServiceAccount } from './service-account.ts';

export interface FcmOptions {
  readonly serviceAccount: ServiceAccount;
  /** The way out: `egress.fetch`. */
  readonly fetch: typeof fetch;
  /** Default `https://fcm.googleapis.com`. */
  readonly origin?: string;
  /** Longest time for one answer. Default 10,000. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

interface FcmFailure {
  readonly status?: string;
  readonly message?: string;
  readonly details?: readonly {
    readonly errorCode?: string;
    readonly fieldViolations?: readonly { readonly field?: string }[];
  }[];
}

/**
 * Sends to Android devices by the HTTP v1 interface of Firebase Cloud Messaging, with an access token of a service account. Rejects with
 * `GENIE_ADAPTER_PEER` (jose is missing) and `GENIE_PUSH_OPTIONS` (the key cannot be read).
 */
export async function createFcmSender(options: FcmOptions): Promise<PushSender<'fcm'>> {
  const clock = options.clock ?? systemClock;
  const token = await createFcmToken(options, clock);
  return {
    kind: 'fcm',
    async send(device, message, signal) {
      try {
        return await sendOnce({ options, clock, token }, { to: device.token, message, signal });
      } catch (error) {
        if (signal.aborted) return { status: 'failed', reason: 'it was cancelled' };
        return { status: 'retry', reason: describeThrown(error) };
      }
    },
    close: async () => undefined,
  };
}

interface FcmDeps {
  readonly options: FcmOptions;
  readonly clock: Clock;
  readonly token: FcmToken;
}

interface Delivery {
  readonly to: string;
  readonly message: PushMessage;
  readonly signal: AbortSignal;
}

async function sendOnce(deps: FcmDeps, delivery: Delivery, isSecond = false): Promise<PushOutcome> {
  const { options, clock, token } = deps;
  const limit = AbortSignal.any([delivery.signal, AbortSignal.timeout(options.timeoutMs ?? 10_000)]);
  const bearer = await token.current();
  const project = encodeURIComponent(options.serviceAccount.project_id);
  const response = await options.fetch(
    `${options.origin ?? 'https://fcm.googleapis.com'}/v1/projects/${project}/messages:send`,
    {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify({ message: toFcm(delivery, clock.now()) }),
      signal: limit,
    },
  );
  const text = await response.text();
  if (response.ok) return { status: 'delivered' };
  if (response.status === 401) {
    token.renew(bearer);
    return isSecond
      ? { status: 'failed', reason: '401: the service account is not accepted' }
      : sendOnce(deps, delivery, true);
  }
  return toOutcome(response, failureOf(text), clock.now());
}

function toOutcome(response: Response, failure: FcmFailure, now: number): PushOutcome {
  const codes = (failure.details ?? []).map(({ errorCode }) => errorCode);
  const reason = `${response.status} ${codes.find(Boolean) ?? failure.status ?? ''}`.trim();
  const isTokenBad = failure.details?.some(({ fieldViolations = [] }) =>
    fieldViolations.some(({ field }) => field === 'message.token'),
  );
  if (codes.includes('UNREGISTERED') || codes.includes('SENDER_ID_MISMATCH') || isTokenBad)
    return { status: 'unregistered', reason };
  if (response.status === 429 || response.status >= 500) {
    const afterMs = retryAfterMs(response.headers.get('retry-after'), now);
    return { status: 'retry', reason, ...(afterMs === undefined ? {} : { afterMs }) };
  }
  return { status: 'failed', reason: `${reason} ${failure.message ?? ''}`.trim().slice(0, 300) };
}

function toFcm({ to, message }: Delivery, now: number): object {
  const { id, kind, genieId, title, body, urgent } = message.notification;
  const seconds = Math.max(0, Math.floor((message.expiresAt - now) / 1000));
  return {
    token: to,
    notification: { title: clipBytes(title, 400), body: clipBytes(body, 2_800) },
    data: { id: clipBytes(id, 200), kind, genieId: clipBytes(genieId, 64) },
    android: { collapse_key: shortId(message.collapseId), ttl: `${seconds}s`, priority: urgent ? 'HIGH' : 'NORMAL' },
  };
}

function failureOf(text: string): FcmFailure {
  try {
    return (JSON.parse(text) as { error?: FcmFailure }).error ?? {};
  } catch {
    return { message: text.slice(0, 200) };
  }
}
