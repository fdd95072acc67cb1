import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PushDevice, PushMessage, PushSender } from '../push/push-sender.ts';
import { startWebPushServer, type WebPushServer } from '../push/testing/web-push-server.ts';
import { createWebPushSender, generateVapidKeys } from './web-push-sender.ts';

let server: WebPushServer;
let sender: PushSender<'web-push'>;
beforeAll(async () => {
  const vapid = { subject: 'mailto:ops@genie.example', ...(await generateVapidKeys()) };
  server = await startWebPushServer(vapid.publicKey);
  sender = await createWebPushSender({ vapid, fetch, allowHttp: true });
});
afterAll(() => server.close());

type WebDevice = Extract<PushDevice, { kind: 'web-push' }>;
const message = (body = 'Body'): PushMessage => ({
  notification: { id: 'n1', kind: 'approval', genieId: 'g', title: 'Größe', body, urgent: true },
  expiresAt: Date.now() + 60_000,
  collapseId: 'n1',
});
const send = (device: WebDevice, body?: string) => sender.send(device, message(body), new AbortController().signal);

describe('createWebPushSender', () => {
  it('encrypts for the one browser, which can read it', async () => {
    const { device } = server.subscribe('one');
    expect(await send(device)).toEqual({ status: 'delivered' });
    expect(server.arrived.at(-1)).toMatchObject({
      token: 'one',
      title: 'Größe',
      body: 'Body',
      headers: { urgency: 'high', 'content-encoding': 'aes128gcm' },
    });
  });

  it('cuts a long text so that it still fits', async () => {
    const { device } = server.subscribe('long');
    expect(await send(device, '\u0001"語'.repeat(5_000))).toEqual({ status: 'delivered' });
    expect(server.arrived.at(-1)?.body.startsWith('\u0001"語')).toBe(true);
  });

  it('gives up on a push service that takes the call and never answers, for another try', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined));
    await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
    const vapid = { subject: 'mailto:ops@genie.example', ...(await generateVapidKeys()) };
    const patient = await createWebPushSender({ vapid, fetch, allowHttp: true, timeoutMs: 150 });
    const { device } = server.subscribe('silent');
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/push`;
    const subscription = { ...device.subscription, endpoint };
    const result = await patient.send({ ...device, subscription }, message(), new AbortController().signal);
    expect(result.status).toBe('retry');
    silent.close();
  });

  it('is refused with the key of another browser, and with other VAPID keys', async () => {
    const [one, other] = [server.subscribe('mine'), server.subscribe('theirs')];
    const mixed = { ...one.device, subscription: { ...one.device.subscription, keys: other.device.subscription.keys } };
    expect((await send(mixed)).status).toBe('failed');
    const stranger = await createWebPushSender({
      vapid: { subject: 'mailto:x@genie.example', ...(await generateVapidKeys()) },
      fetch,
      allowHttp: true,
    });
    expect(await stranger.send(one.device, message(), new AbortController().signal)).toEqual({
      status: 'failed',
      reason: '403',
    });
  });

  it.each([
    [410, 'unregistered'],
    [404, 'unregistered'],
    [429, 'retry'],
    [502, 'retry'],
    [400, 'failed'],
  ])('takes %d for %s', async (status, outcome) => {
    const { device } = server.subscribe('x');
    server.decide = () => ({ status });
    expect((await send(device)).status).toBe(outcome);
    server.decide = () => undefined;
  });

  it('sends nothing to an address without TLS, and to keys that are none', async () => {
    const vapid = { subject: 'mailto:x@genie.example', ...(await generateVapidKeys()) };
    const strict = await createWebPushSender({ vapid, fetch: () => Promise.reject(new Error('something was sent')) });
    const { device } = server.subscribe('y');
    for (const endpoint of [device.subscription.endpoint, 'no address', 'https://user@host/', 'file:///etc/passwd']) {
      const changed = { ...device, subscription: { ...device.subscription, endpoint } };
      expect((await strict.send(changed, message(), new AbortController().signal)).status).toBe('unregistered');
    }
    const noKeys = { ...device, subscription: { endpoint: 'https://push.example/', keys: { p256dh: 'x', auth: 'y' } } };
    expect((await strict.send(noKeys, message(), new AbortController().signal)).status).toBe('unregistered');
    await expect(createWebPushSender({ vapid: { ...vapid, subject: 'nobody' }, fetch })).rejects.toMatchObject({
      code: 'GENIE_PUSH_OPTIONS',
    });
  });
});
