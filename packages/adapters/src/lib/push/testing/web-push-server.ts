import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { importJWK, jwtVerify } from 'jose';
import type { PushDevice } from '../push-sender.ts';
import { createFarSide, decide, type FarSide } from './far-side.ts';

export interface Browser {
  readonly name: string;
  readonly device: Extract<PushDevice, { kind: 'web-push' }>;
}

export interface WebPushServer extends FarSide {
  /** A browser that has subscribed. Its messages are decrypted as the browser would. */
  subscribe(name: string): Browser;
  close(): Promise<void>;
}

interface Secrets {
  readonly key: ReturnType<typeof createECDH>;
  readonly auth: Buffer;
}

/** A push service with its browsers: checks VAPID (RFC 8292) and decrypts (RFC 8291, RFC 8188) with the browser's own key. */
export async function startWebPushServer(vapidPublicKey: string): Promise<WebPushServer> {
  const browsers = new Map<string, Secrets>();
  const far = createFarSide();
  const server = createServer(
    (request, response) =>
      void handle(request, response).catch((error: unknown) => response.writeHead(400).end(String(error))),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const self: WebPushServer = {
    ...far,
    subscribe(name) {
      const key = createECDH('prime256v1');
      key.generateKeys();
      const auth = randomBytes(16);
      browsers.set(name, { key, auth });
      const keys = { p256dh: key.getPublicKey().toString('base64url'), auth: auth.toString('base64url') };
      return {
        name,
        device: {
          kind: 'web-push',
          id: name,
          subscription: { endpoint: `${origin}/push/${encodeURIComponent(name)}`, keys },
        },
      };
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const name = decodeURIComponent((request.url ?? '').slice('/push/'.length));
    const browser = browsers.get(name);
    const problem = browser ? decide(self, name) : { status: 404 };
    if (problem)
      return response
        .writeHead(
          problem.status,
          problem.retryAfterSeconds ? { 'retry-after': String(problem.retryAfterSeconds) } : {},
        )
        .end();
    if (!(await isSignedBy(vapidPublicKey, request.headers.authorization ?? '', origin)))
      return response.writeHead(403).end();
    if (!/^\d+$/.test(String(request.headers.ttl)) || !/^[\w-]{1,32}$/.test(String(request.headers.topic)))
      return response.writeHead(400).end();
    const body = Buffer.concat(chunks);
    if (body.length > 4096) return response.writeHead(413).end();
    const payload = JSON.parse(decrypt(body, browser as Secrets)) as { title: string; body: string; id: string };
    self.arrived.push({
      token: name,
      title: payload.title,
      body: payload.body,
      id: payload.id,
      headers: request.headers as Record<string, string>,
      payload,
    });
    return response.writeHead(201).end();
  };
  return self;
}

async function isSignedBy(publicKey: string, authorization: string, audience: string): Promise<boolean> {
  const [, token = '', key = ''] = /^vapid t=([^,]+), ?k=(.+)$/.exec(authorization) ?? [];
  if (key !== publicKey) return false;
  const point = Buffer.from(publicKey, 'base64url');
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  };
  try {
    const { payload } = await jwtVerify(token, await importJWK(jwk, 'ES256'), { audience, algorithms: ['ES256'] });
    return (
      typeof payload.sub === 'string' && typeof payload.exp === 'number' && payload.exp < Date.now() / 1000 + 86_400
    );
  } catch {
    return false;
  }
}

/** One record of aes128gcm: salt 16, record size 4, key length 1, sender's public key, then the encrypted content. */
function decrypt(body: Buffer, { key, auth }: Secrets): string {
  const salt = body.subarray(0, 16);
  const sender = body.subarray(21, 21 + (body[20] ?? 0));
  const record = body.subarray(21 + (body[20] ?? 0));
  const shared = key.computeSecret(sender);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), key.getPublicKey(), sender]);
  const material = Buffer.from(hkdfSync('sha256', shared, auth, info, 32));
  const derive = (label: string, bytes: number) =>
    Buffer.from(hkdfSync('sha256', material, salt, Buffer.from(`Content-Encoding: ${label}\0`), bytes));
  const decipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
  decipher.setAuthTag(record.subarray(-16));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
  const end = padded.lastIndexOf(2);
  return padded.subarray(0, end).toString('utf8');
}
