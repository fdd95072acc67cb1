import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportPKCS8, generateKeyPair, jwtVerify } from 'jose';
import type { ServiceAccount } from '../../fcm/service-account.ts';
import { createFarSide, decide, type FarSide } from './far-side.ts';

export interface FcmServer extends FarSide {
  readonly origin: string;
  readonly serviceAccount: ServiceAccount;
  /** Access tokens that were given so far. */
  tokens(): number;
  /** Takes back every access token. */
  expireTokens(): void;
  close(): Promise<void>;
}

/** Speaks OAuth for service accounts (RFC 7523) and `projects.messages.send` of FCM HTTP v1. */
export async function startFcmServer(): Promise<FcmServer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const far = createFarSide();
  const valid = new Set<string>();
  let given = 0;
  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const serviceAccount = {
    project_id: 'genie-test',
    client_email: 'push@genie-test.example',
    private_key: await exportPKCS8(privateKey),
    private_key_id: 'k1',
    token_uri: `${origin}/token`,
  };
  const self: FcmServer = {
    ...far,
    origin,
    serviceAccount,
    tokens: () => given,
    expireTokens: () => valid.clear(),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const send = (response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  const giveToken = async (text: string, response: ServerResponse) => {
    const form = new URLSearchParams(text);
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer')
      return send(response, 400, { error: 'unsupported_grant_type' });
    try {
      const { payload } = await jwtVerify(form.get('assertion') ?? '', publicKey, {
        issuer: serviceAccount.client_email,
        audience: serviceAccount.token_uri,
        algorithms: ['RS256'],
        requiredClaims: ['iat', 'exp'],
      });
      if (payload.scope !== 'https://www.googleapis.com/auth/firebase.messaging') throw new Error('another scope');
    } catch {
      return send(response, 400, { error: 'invalid_grant' });
    }
    const token = `ya29.${++given}`;
    valid.add(token);
    return send(response, 200, { access_token: token, expires_in: 3599, token_type: 'Bearer' });
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    if (request.url === '/token') return giveToken(text, response);
    if (request.url !== '/v1/projects/genie-test/messages:send')
      return send(response, 404, { error: { status: 'NOT_FOUND' } });
    if (!valid.has((request.headers.authorization ?? '').slice('Bearer '.length)))
      return send(response, 401, { error: { status: 'UNAUTHENTICATED' } });
    const { message } = JSON.parse(text) as {
      message: { token: string; notification: { title: string; body: string }; data: { id: string } };
    };
    const problem = decide(self, message.token);
    if (problem) {
      const details = [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: problem.reason }];
      const after: Record<string, string> = problem.retryAfterSeconds
        ? { 'retry-after': String(problem.retryAfterSeconds) }
        : {};
      return send(response, problem.status, { error: { code: problem.status, status: 'ERROR', details } }, after);
    }
    self.arrived.push({
      token: message.token,
      ...message.notification,
      id: message.data.id,
      headers: request.headers as Record<string, string>,
      payload: message,
    });
    return send(response, 200, { name: `projects/genie-test/messages/${self.arrived.length}` });
  };
  return self;
}
