import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PushMessage, PushSender } from '../push/push-sender.ts';
import { type ApnsServer, startApnsServer } from '../push/testing/apns-server.ts';
import { createApnsSender } from './apns-sender.ts';

let server: ApnsServer;
let sender: PushSender<'apns'>;
beforeAll(async () => {
  server = await startApnsServer();
  sender = await createApnsSender({ ...server.options, timeoutMs: 300 });
});
afterAll(async () => {
  await sender.close();
  await server.close();
});

const never = new AbortController().signal;
const message = (more: object = {}): PushMessage => ({
  notification: { id: 'n1', kind: 'approval', genieId: 'g', title: 'Größe', body: 'Body', ...more },
  expiresAt: Date.now() + 60_000,
  collapseId: 'n1'.repeat(100),
});
const send = (token: string, more: object = {}) =>
  sender.send({ kind: 'apns', id: token, token }, message(more), never);

describe('createApnsSender', () => {
  it('sends what Apple asks for, on one connection', async () => {
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, index) => send(`a0b1c2d3${String(index).padStart(2, '0')}`, { urgent: true })),
    );
    expect(results.every(({ status }) => status === 'delivered')).toBe(true);
    expect(server.connections()).toBe(1);
    const [first] = server.arrived;
    expect(first).toMatchObject({
      title: 'Größe',
      body: 'Body',
      headers: { 'apns-topic': 'app.genie.test', 'apns-priority': '10', 'apns-push-type': 'alert' },
    });
    expect(first?.headers['apns-collapse-id']?.length).toBeLessThanOrEqual(64);
    expect(Number(first?.headers['apns-expiration'])).toBeGreaterThan(Date.now() / 1000);
  });

  it('gives the same delivery the same id over all tries', async () => {
    await send('beef0001');
    await send('beef0001');
    const ids = server.arrived.filter(({ token }) => token === 'beef0001').map(({ headers }) => headers['apns-id']);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it.each([
    [410, 'Unregistered', 'unregistered'],
    [400, 'BadDeviceToken', 'unregistered'],
    [400, 'DeviceTokenNotForTopic', 'unregistered'],
    [429, 'TooManyRequests', 'retry'],
    [500, 'InternalServerError', 'retry'],
    [503, 'Shutdown', 'retry'],
    [400, 'PayloadEmpty', 'failed'],
  ])('takes %d %s for %s', async (status, reason, outcome) => {
    server.decide = () => ({ status, reason });
    expect((await send('beef0002')).status).toBe(outcome);
    server.decide = () => undefined;
  });

  it('renews its token when Apple no longer takes it', async () => {
    await send('beef0003');
    server.refused.add(String(server.arrived.at(-1)?.headers.authorization).slice('bearer '.length));
    expect(await send('beef0003')).toEqual({ status: 'delivered' });
  });

  it('opens a new connection after a goodbye, and after a cut', async () => {
    for (const hard of [false, true]) {
      const before = server.connections();
      server.endConnections(hard);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await send('beef0004')).toEqual({ status: 'delivered' });
      expect(server.connections()).toBe(before + 1);
    }
  });

  it('gives up on silence, and on a server that is not there, for another try', async () => {
    server.isSilent = true;
    expect(await send('beef0005')).toMatchObject({ status: 'retry', reason: expect.stringContaining('in time') });
    server.isSilent = false;
    const away = await createApnsSender({ ...server.options, origin: 'http://127.0.0.1:1' });
    expect(await away.send({ kind: 'apns', id: 'x', token: 'beef0006' }, message(), never)).toMatchObject({
      status: 'retry',
    });
    await away.close();
  });

  it('stops at an abort and refuses what is no token', async () => {
    expect(
      await sender.send({ kind: 'apns', id: 'x', token: 'beef0007' }, message(), AbortSignal.abort()),
    ).toMatchObject({ status: 'failed' });
    for (const token of ['', '../x', 'xyz', 'a'.repeat(300)]) expect((await send(token)).status).toBe('unregistered');
  });

  it('refuses a key that is none', async () => {
    await expect(createApnsSender({ ...server.options, privateKey: 'none' })).rejects.toMatchObject({
      code: 'GENIE_PUSH_OPTIONS',
    });
  });
});
