import { describeThrown, GenieError } from '@genie/core/errors';
import { type Clock, systemClock } from '@genie/core/ports';
import { loadPeer } from '../load-peer.ts';
import { clipBytes } from '../push/clip-bytes.ts';
import type { PushDevice, PushMessage, PushOutcome, PushSender } from '../push/push-sender.ts';
import { retryAfterMs } from '../push/retry-after.ts';
import { shortId } from '../push/short-id.ts';

export interface WebPushOptions {
  /** A pair of keys of the application, as `generateVapidKeys` makes it once. */
  readonly vapid: {
    /** `mailto:` or `https:`, for the push service to complain to. */
    readonly subject: string;
    readonly publicKey: string;
    readonly privateKey: string;
  };
  /** The way out: `egress.fetch`. The address is the browser's choice, so the filter decides where this may go. */
  readonly fetch: typeof fetch;
  /** Longest time for one answer. Default 10,000. */
  readonly timeoutMs?: number;
  /** Also takes addresses without TLS, for a server of this machine. Default false. */
  readonly allowHttp?: boolean;
  readonly clock?: Clock;
}

type WebPushLibrary = typeof import('web-push');
type WebPushDevice = Extract<PushDevice, { kind: 'web-push' }>;

const loadLibrary = async (): Promise<WebPushLibrary> => {
  const library = await loadPeer('web-push', '3', () => import('web-push'));
  // CommonJS: what it exports is the default.
  return (library as { default?: WebPushLibrary }).default ?? library;
};

/** A pair of keys for `vapid`. Keep it: subscriptions are bound to it. */
export async function generateVapidKeys(): Promise<{ readonly publicKey: string; readonly privateKey: string }> {
  return (await loadLibrary()).generateVAPIDKeys();
}

/**
 * Sends to browsers: encrypted for the one browser (RFC 8291), signed for the push service (VAPID, RFC 8292). Rejects with
 * `GENIE_ADAPTER_PEER` (web-push is missing) and `GENIE_PUSH_OPTIONS` (keys or subject are not usable).
 */
export async function createWebPushSender(options: WebPushOptions): Promise<PushSender<'web-push'>> {
  const library = await loadLibrary();
  const { subject, publicKey, privateKey } = options.vapid;
  try {
    library.getVapidHeaders('https://push.example', subject, publicKey, privateKey, 'aes128gcm');
  } catch (cause) {
    throw new GenieError('GENIE_PUSH_OPTIONS', `The VAPID keys or subject cannot be used: ${describeThrown(cause)}`, {
      cause,
    });
  }
  return {
    kind: 'web-push',
    async send(device, message, signal) {
      const { endpoint } = device.subscription;
      if (!isUsable(endpoint, options.allowHttp === true))
        return { status: 'unregistered', reason: 'the endpoint is no https address' };
      try {
        return await sendOnce(library, options, { device, message, signal });
      } catch (error) {
        if (signal.aborted) return { status: 'failed', reason: 'it was cancelled' };
        return { status: 'retry', reason: describeThrown(error) };
      }
    },
    close: async () => undefined,
  };
}

interface Delivery {
  readonly device: WebPushDevice;
  readonly message: PushMessage;
  readonly signal: AbortSignal;
}

async function sendOnce(
  library: WebPushLibrary,
  options: WebPushOptions,
  { device, message, signal }: Delivery,
): Promise<PushOutcome> {
  const now = (options.clock ?? systemClock).now();
  let details: ReturnType<WebPushLibrary['generateRequestDetails']>;
  try {
    details = library.generateRequestDetails(device.subscription, payloadOf(message), {
      vapidDetails: options.vapid,
      TTL: Math.max(0, Math.floor((message.expiresAt - now) / 1000)),
      urgency: message.notification.urgent ? 'high' : 'normal',
      topic: shortId(message.collapseId),
      contentEncoding: 'aes128gcm',
    });
  } catch (error) {
    // Nothing was sent: the keys of the subscription are none.
    return { status: 'unregistered', reason: describeThrown(error) };
  }
  const response = await options.fetch(details.endpoint, {
    method: details.method,
    headers: headersOf(details.headers),
    body: new Uint8Array(details.body ?? []),
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs ?? 10_000)]),
  });
  await response.body?.cancel();
  const { status } = response;
  if (response.ok) return { status: 'delivered' };
  if (status === 404 || status === 410) return { status: 'unregistered', reason: String(status) };
  if (status === 429 || status >= 500) {
    const afterMs = retryAfterMs(response.headers.get('retry-after'), now);
    return { status: 'retry', reason: String(status), ...(afterMs === undefined ? {} : { afterMs }) };
  }
  return { status: 'failed', reason: String(status) };
}

/** `fetch` sets the length itself. */
function headersOf(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.toLowerCase() === 'content-length' ? [] : [[name, String(value)]],
    ),
  );
}

/** A push service takes 4,096 bytes of encrypted content, which holds 3,993 of ours. */
function payloadOf({ notification }: PushMessage): string {
  const { id, kind, genieId, title, body, urgent } = notification;
  const build = (maxBytes: number) =>
    JSON.stringify({
      id: clipBytes(id, 200),
      kind,
      genieId: clipBytes(genieId, 200),
      title: clipBytes(title, 400),
      body: clipBytes(body, maxBytes),
      urgent: urgent === true,
    });
  let maxBytes = 3_000;
  // Escapes can make a text several times as long.
  while (Buffer.byteLength(build(maxBytes)) > 3_993 && maxBytes > 0) maxBytes -= 250;
  return build(maxBytes);
}

function isUsable(endpoint: string, allowHttp: boolean): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, username } = new URL(endpoint);
  return (protocol === 'https:' || (allowHttp && protocol === 'http:')) && username === '';
}
