import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PushMessage, PushSender } from '../push/push-sender.ts';
import { type FcmServer, startFcmServer } from '../push/testing/fcm-server.ts';
import { createFcmSender } from './fcm-sender.ts';

let server: FcmServer;
let sender: PushSender<'fcm'>;
beforeAll(async () => {
  server = await startFcmServer();
  sender = await createFcmSender({ serviceAccount: server.serviceAccount, origin: server.origin, fetch });
});
afterAll(() => server.close());

const message: PushMessage = {
  notification: { id: 'n1', kind: 'approval', genieId: 'g', title: 'Größe', body: 'Body', urgent: true },
  expiresAt: Date.now() + 60_000,
  collapseId: 'n1',
};
const send = (token: string) => sender.send({ kind: 'fcm', id: token, token }, message, new AbortController().signal);

describe('createFcmSender', () => {
  it('sends with one access token for many messages', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => send(`t${index}`)));
    expect(results.every(({ status }) => status === 'delivered')).toBe(true);
    expect(server.tokens()).toBe(1);
    expect(server.arrived[0]).toMatchObject({
      title: 'Größe',
      body: 'Body',
      payload: { android: { priority: 'HIGH', ttl: expect.stringMatching(/^\d+s$/) } },
    });
  });

  it('asks for another access token when one is no longer taken', async () => {
    const before = server.tokens();
    server.expireTokens();
    expect(await send('again')).toEqual({ status: 'delivered' });
    expect(server.tokens()).toBe(before + 1);
  });

  it.each([
    [404, 'UNREGISTERED', 'unregistered'],
    [403, 'SENDER_ID_MISMATCH', 'unregistered'],
    [400, 'INVALID_ARGUMENT', 'failed'],
    [429, 'QUOTA_EXCEEDED', 'retry'],
    [503, 'UNAVAILABLE', 'retry'],
    [500, 'INTERNAL', 'retry'],
  ])('takes %d %s for %s', async (status, reason, outcome) => {
    server.decide = () => ({ status, reason, retryAfterSeconds: 3 });
    const result = await send('x');
    expect(result.status).toBe(outcome);
    if (result.status === 'retry') expect(result.afterMs).toBe(3_000);
    server.decide = () => undefined;
  });

  it('gives up on a server that takes the call and never answers, and on one that stops in its answer, for another try', async () => {
    for (const answer of ['', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{']) {
      const silent = createServer((socket) => {
        socket.on('error', () => undefined).once('data', () => socket.write(answer));
      });
      await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
      const origin = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
      const { serviceAccount } = server;
      const patient = await createFcmSender({ serviceAccount, origin, fetch, timeoutMs: 150 });
      const result = await patient.send({ kind: 'fcm', id: 'x', token: 'x' }, message, new AbortController().signal);
      expect(result.status).toBe('retry');
      silent.close();
    }
  });

  it('says of a service account that is refused that it may be tried again, without its secrets', async () => {
    const other = await createFcmSender({
      serviceAccount: { ...server.serviceAccount, client_email: 'other@genie.example' },
      origin: server.origin,
      fetch,
    });
    const result = await other.send({ kind: 'fcm', id: 'x', token: 'x' }, message, new AbortController().signal);
    expect(result).toMatchObject({ status: 'retry', reason: 'no access token: 400 invalid_grant' });
    await expect(
      createFcmSender({ serviceAccount: { ...server.serviceAccount, private_key: 'none' }, fetch }),
    ).rejects.toMatchObject({ code: 'GENIE_PUSH_OPTIONS' });
  });
});
