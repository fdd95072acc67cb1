import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { exportPKCS8, generateKeyPair, jwtVerify } from 'jose';
import { createFarSide, decide, type FarAnswer, type FarSide } from './far-side.ts';

export interface ApnsServer extends FarSide {
  readonly origin: string;
  /** For `createApnsSender`. */
  readonly options: {
    readonly keyId: string;
    readonly teamId: string;
    readonly topic: string;
    readonly privateKey: string;
    readonly origin: string;
  };
  /** Connections that were opened so far. */
  connections(): number;
  /** Announces the end of every connection, as Apple does for maintenance; `hard` cuts them. */
  endConnections(hard: boolean): void;
  /** Answers nothing any more. */
  isSilent: boolean;
  /** Provider tokens that are refused from now on. */
  readonly refused: Set<string>;
  close(): Promise<void>;
}

/** Speaks what Apple describes in "Sending notification requests to APNs": HTTP/2, a signed provider token, one request for one device. */
export async function startApnsServer(): Promise<ApnsServer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const sessions = new Set<ServerHttp2Session>();
  let connections = 0;
  const far = createFarSide();
  const refused = new Set<string>();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const self: ApnsServer = {
    ...far,
    origin,
    refused,
    isSilent: false,
    options: {
      keyId: 'KEY1234567',
      teamId: 'TEAM123456',
      topic: 'app.genie.test',
      origin,
      privateKey: await exportPKCS8(privateKey),
    },
    connections: () => connections,
    endConnections(hard) {
      for (const session of sessions) hard ? session.destroy() : session.goaway();
    },
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  server.on('session', (session) => {
    connections += 1;
    sessions.add(session);
    session.on('error', () => undefined).on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    stream.on('end', () => void answer({ self, stream, headers, text, publicKey }).catch(() => stream.destroy()));
  });
  return self;
}

interface Exchange {
  readonly self: ApnsServer;
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly publicKey: Parameters<typeof jwtVerify>[1];
}

async function answer({ self, stream, headers, text, publicKey }: Exchange): Promise<void> {
  if (self.isSilent) return;
  const token = /^\/3\/device\/([0-9a-f]+)$/i.exec(headers[':path'] ?? '')?.[1] ?? '';
  const problem =
    (await whatIsWrong(self, headers, publicKey)) ??
    (Buffer.byteLength(text) > 4096 ? { status: 413, reason: 'PayloadTooLarge' } : undefined) ??
    decide(self, token);
  if (stream.destroyed) return;
  if (problem) {
    stream.respond({
      ':status': problem.status,
      ...(problem.retryAfterSeconds ? { 'retry-after': String(problem.retryAfterSeconds) } : {}),
    });
    stream.end(JSON.stringify({ reason: problem.reason ?? '' }));
    return;
  }
  const payload = JSON.parse(text) as { aps: { alert: { title: string; body: string } }; genie: { id: string } };
  self.arrived.push({
    token,
    ...payload.aps.alert,
    id: payload.genie.id,
    headers: headers as Record<string, string>,
    payload,
  });
  stream.respond({ ':status': 200, 'apns-id': String(headers['apns-id']) });
  stream.end();
}

async function whatIsWrong(
  self: ApnsServer,
  headers: IncomingHttpHeaders,
  publicKey: Exchange['publicKey'],
): Promise<FarAnswer | undefined> {
  const { keyId, teamId, topic } = self.options;
  const bearer = /^bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (!bearer) return { status: 403, reason: 'MissingProviderToken' };
  if (self.refused.has(bearer)) return { status: 403, reason: 'ExpiredProviderToken' };
  try {
    const { protectedHeader, payload } = await jwtVerify(bearer, publicKey, { issuer: teamId, algorithms: ['ES256'] });
    if (protectedHeader.kid !== keyId || typeof payload.iat !== 'number') throw new Error('no key id or time');
  } catch {
    return { status: 403, reason: 'InvalidProviderToken' };
  }
  if (headers['apns-topic'] !== topic) return { status: 400, reason: 'BadTopic' };
  if (headers['apns-push-type'] !== 'alert') return { status: 400, reason: 'InvalidPushType' };
  if (Buffer.byteLength(String(headers['apns-collapse-id'] ?? '')) > 64)
    return { status: 400, reason: 'BadCollapseId' };
  if (!/^\d+$/.test(String(headers['apns-expiration']))) return { status: 400, reason: 'BadExpirationDate' };
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(headers['apns-id'])))
    return { status: 400, reason: 'BadMessageId' };
  return undefined;
}
