import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { Duplex } from 'node:stream';
import { describeThrown } from '@genie/core/errors';
import { type Clock, systemClock } from '@genie/core/ports';
import { clipBytes } from '../push/clip-bytes.ts';
import type { PushMessage, PushOutcome, PushSender } from '../push/push-sender.ts';
import { retryAfterMs } from '../push/retry-after.ts';
import { shortId, stableUuid } from '../push/short-id.ts';
import { type ApnsToken, createApnsToken } from './apns-token.ts';

export interface ApnsOptions {
  /** Of the key from Apple's developer account. */
  readonly keyId: string;
  readonly teamId: string;
  /** The content of the `.p8` file. */
  readonly privateKey: string;
  /** The bundle id of the app. */
  readonly topic: string;
  /** `https://api.push.apple.com` (default), `https://api.sandbox.push.apple.com`, or a server of yours. */
  readonly origin?: string;
  /** Opens the connection, e.g. a TLS socket with ALPN `h2` through the egress proxy. Default: directly. */
  readonly createConnection?: (origin: URL) => Duplex;
  /** Longest time for one answer. Default 10,000. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly retryAfter: string | undefined;
}

interface ApnsState {
  readonly options: ApnsOptions;
  readonly clock: Clock;
  readonly token: ApnsToken;
  session: ClientHttp2Session | undefined;
}

/** Reasons by which Apple says that a token is of no use any more ("Handling notification responses from APNs"). */
const goneReasons: ReadonlySet<string> = new Set([
  'BadDeviceToken',
  'DeviceTokenNotForTopic',
  'Unregistered',
  'ExpiredToken',
]);
const tokenReasons: ReadonlySet<string> = new Set([
  'ExpiredProviderToken',
  'InvalidProviderToken',
  'MissingProviderToken',
]);
const payloadBytes = 4096;

/**
 * Sends to Apple devices: HTTP/2 on one connection, signed by a provider token that is renewed. Rejects with `GENIE_ADAPTER_PEER` (jose is
 * missing) and `GENIE_PUSH_OPTIONS` (the key cannot be read).
 */
export async function createApnsSender(options: ApnsOptions): Promise<PushSender<'apns'>> {
  const clock = options.clock ?? systemClock;
  const state: ApnsState = { options, clock, token: await createApnsToken(options, clock), session: undefined };
  return {
    kind: 'apns',
    async send(device, message, signal) {
      if (!/^[0-9a-fA-F]{8,200}$/.test(device.token))
        return { status: 'unregistered', reason: 'the token has not the form of one' };
      try {
        return await sendOnce(state, { token: device.token, deviceId: device.id, message, signal });
      } catch (error) {
        if (signal.aborted) return { status: 'failed', reason: 'it was cancelled' };
        return { status: 'retry', reason: describeThrown(error) };
      }
    },
    async close() {
      state.session?.destroy();
      state.session = undefined;
    },
  };
}

interface Delivery {
  readonly token: string;
  readonly deviceId: string;
  readonly message: PushMessage;
  readonly signal: AbortSignal;
}

async function sendOnce(state: ApnsState, delivery: Delivery, isSecond = false): Promise<PushOutcome> {
  const { clock, token } = state;
  const bearer = await token.current();
  const { status, reason, retryAfter } = await request(state, delivery, bearer);
  if (status === 200) return { status: 'delivered' };
  if (status === 403 && tokenReasons.has(reason)) {
    // Another delivery may have renewed it already.
    token.renew(bearer);
    return isSecond ? { status: 'failed', reason } : sendOnce(state, delivery, true);
  }
  if (status === 410 || goneReasons.has(reason)) return { status: 'unregistered', reason };
  if (status === 429 || status >= 500) {
    const afterMs = retryAfterMs(retryAfter, clock.now());
    return { status: 'retry', reason: `${status} ${reason}`, ...(afterMs === undefined ? {} : { afterMs }) };
  }
  return { status: 'failed', reason: `${status} ${reason}` };
}

function request(state: ApnsState, delivery: Delivery, bearer: string): Promise<Answer> {
  const { options } = state;
  const { token, deviceId, message, signal } = delivery;
  const { notification } = message;
  const stream = openSession(state).request(
    {
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: `/3/device/${token}`,
      authorization: `bearer ${bearer}`,
      'apns-id': stableUuid(`${notification.id}\0${deviceId}`),
      'apns-topic': options.topic,
      'apns-push-type': 'alert',
      'apns-priority': notification.urgent ? '10' : '5',
      'apns-expiration': String(Math.floor(message.expiresAt / 1000)),
      'apns-collapse-id': shortId(message.collapseId),
    },
    { signal },
  );
  stream.setTimeout(options.timeoutMs ?? 10_000, () =>
    stream.destroy(new Error('no answer from the push service in time')),
  );
  stream.end(payloadOf(message));
  return readAnswer(stream);
}

function readAnswer(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let retryAfter: string | undefined;
    let text = '';
    stream.on('response', (headers) => {
      status = Number(headers[constants.HTTP2_HEADER_STATUS]);
      retryAfter = headers['retry-after']?.toString();
    });
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(0, 4_000);
    });
    stream.once('error', reject);
    stream.once('close', () => {
      if (status === 0) reject(new Error('the push service closed the connection without an answer'));
      else resolve({ status, retryAfter, reason: reasonOf(text) });
    });
  });
}

function reasonOf(text: string): string {
  try {
    return String((JSON.parse(text) as { reason?: unknown }).reason ?? '');
  } catch {
    return '';
  }
}

/** One connection for all; a new one when it was closed, lost or is being given up (GOAWAY). */
function openSession(state: ApnsState): ClientHttp2Session {
  const { session } = state;
  if (session && !session.closed && !session.destroyed) return session;
  const { options } = state;
  const origin = new URL(options.origin ?? 'https://api.push.apple.com');
  const { createConnection } = options;
  const opened = connect(origin, createConnection ? { createConnection: () => createConnection(origin) } : {});
  const forget = () => {
    if (state.session === opened) state.session = undefined;
  };
  opened.on('error', forget).on('close', forget);
  opened.on('goaway', () => {
    forget();
    opened.close();
  });
  opened.unref();
  state.session = opened;
  return opened;
}

/** Cut until it fits into the 4,096 bytes that Apple takes. */
function payloadOf({ notification }: PushMessage): string {
  const { id, kind, genieId, title, body, urgent } = notification;
  const build = (text: string) =>
    JSON.stringify({
      aps: {
        alert: { title: clipBytes(title, 400), body: text },
        'thread-id': clipBytes(genieId, 64),
        sound: urgent ? 'default' : undefined,
        'interruption-level': urgent ? 'time-sensitive' : 'active',
      },
      genie: { id: clipBytes(id, 200), kind, genieId: clipBytes(genieId, 64) },
    });
  let payload = build(body.toWellFormed());
  for (let maxBytes = 3_000; Buffer.byteLength(payload) > payloadBytes && maxBytes > 0; maxBytes -= 500)
    payload = build(clipBytes(body, maxBytes));
  return payload;
}
