import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { notifierSuite, runConformance } from '@genie/core/conformance';
import type { Notification } from '@genie/core/ports';
import { fixedClock } from '@genie/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApnsSender } from '../apns/apns-sender.ts';
import { createFcmSender } from '../fcm/fcm-sender.ts';
import { createWebPushSender, generateVapidKeys } from '../web-push/web-push-sender.ts';
import { openFileLedger } from './file-ledger.ts';
import { createMemoryLedger } from './memory-ledger.ts';
import { createPushNotifier } from './push-notifier.ts';
import type { AnyPushSender, PushDevice, PushDevices } from './push-sender.ts';
import { type ApnsServer, startApnsServer } from './testing/apns-server.ts';
import { type FcmServer, startFcmServer } from './testing/fcm-server.ts';
import { startWebPushServer, type WebPushServer } from './testing/web-push-server.ts';

const dir = mkdtempSync(join(tmpdir(), 'genie-push-'));
const senders: AnyPushSender[] = [];
let [apns, fcm, web]: [ApnsServer, FcmServer, WebPushServer] = [] as never;
beforeAll(async () => {
  const vapid = { subject: 'mailto:ops@genie.example', ...(await generateVapidKeys()) };
  [apns, fcm, web] = await Promise.all([startApnsServer(), startFcmServer(), startWebPushServer(vapid.publicKey)]);
  senders.push(
    await createApnsSender(apns.options),
    await createFcmSender({ serviceAccount: fcm.serviceAccount, origin: fcm.origin, fetch }),
    await createWebPushSender({ vapid, fetch, allowHttp: true }),
  );
});
afterAll(async () => {
  await Promise.all(senders.map((sender) => sender.close()));
  await Promise.all([apns.close(), fcm.close(), web.close()]);
  rmSync(dir, { recursive: true, force: true });
});

const notification = (more: Partial<Notification> = {}): Notification => ({
  id: 'n1',
  kind: 'briefing',
  genieId: 'g',
  title: 'Title',
  body: 'Body',
  ...more,
});

function deviceList(devices: readonly PushDevice[]): PushDevices & { readonly removed: string[] } {
  const left = [...devices];
  const removed: string[] = [];
  return {
    removed,
    list: async () => [...left],
    async remove(device) {
      removed.push(device.id);
      left.splice(left.indexOf(device), 1);
    },
  };
}

let runs = 0;
/** Three devices, one of each service. Their ids are their tokens, which the servers report. */
function threeDevices(): readonly PushDevice[] {
  const run = String(++runs).padStart(4, '0');
  return [
    { kind: 'apns', id: `aa${run}00`, token: `aa${run}00` },
    { kind: 'fcm', id: `fcm-${run}`, token: `fcm-${run}` },
    web.subscribe(`web-${run}`).device,
  ];
}

describe('createPushNotifier over APNS, FCM and Web Push', { timeout: 30_000 }, () => {
  it('keeps the promises of the port', async () => {
    const report = await runConformance(notifierSuite, async () => {
      const devices = deviceList(threeDevices());
      const targets = new Set((await devices.list('g')).map(({ id }) => id));
      const ledgerDir = join(dir, `ledger-${runs}`);
      const clock = fixedClock('2026-01-01T23:00:00Z');
      const open = (more: object = {}) =>
        createPushNotifier({
          devices,
          senders: keepOpen(senders),
          ledger: openFileLedger({ dir: ledgerDir }),
          maxTries: 2,
          firstPauseMs: 1,
          ...more,
        });
      const servers = [apns, fcm, web];
      const quietHours = { from: '22:00', to: '07:00', timeZone: 'UTC' };
      return {
        setup: {
          notifier: open(),
          received: async () =>
            servers.flatMap(({ arrived }) =>
              arrived
                .filter(({ token }) => targets.has(token))
                .map(({ token, id, title, body }) => ({ target: token, id, title, body })),
            ),
          async break(isBroken: boolean) {
            for (const server of servers)
              server.decide = isBroken ? () => ({ status: 503, reason: 'ServiceUnavailable' }) : () => undefined;
          },
          async unregister() {
            const [phone] = await devices.list('g');
            apns.decide = (token) => (token === phone?.id ? { status: 410, reason: 'Unregistered' } : undefined);
            return phone?.id ?? '';
          },
          reopen: async () => open(),
          quiet: { notifier: open({ clock, quietHours }), end: () => clock.advance(8 * 3_600_000) },
        },
        capabilities: new Set(['failing', 'unregistered', 'durable', 'quietHours']),
        async close() {
          for (const server of servers) server.decide = () => undefined;
        },
      };
    });
    expect(report.results.filter(({ status }) => status !== 'passed')).toEqual([]);
  });

  it('waits as long as the service asks, doubles its own pauses, and gives up after the last try', async () => {
    const devices = deviceList([{ kind: 'apns', id: 'ab12ab12', token: 'ab12ab12' }]);
    const times: number[] = [];
    apns.decide = (_token, attempt) => {
      times.push(performance.now());
      return attempt === 1 ? { status: 429, reason: 'TooManyRequests', retryAfterSeconds: 1 } : { status: 503 };
    };
    const notifier = createPushNotifier({ devices, senders, maxTries: 3, firstPauseMs: 20 });
    const [result] = await notifier.notify(notification());
    apns.decide = () => undefined;
    expect(result).toMatchObject({ status: 'failed', reason: expect.stringContaining('after 3 tries') });
    expect(times).toHaveLength(3);
    expect(times[1]! - times[0]!).toBeGreaterThan(900);
    expect(times[2]! - times[1]!).toBeLessThan(900);
  });

  it('reports what cannot be known or removed, and never throws', async () => {
    const warnings: string[] = [];
    const onWarning = ({ code }: { code: string }) => void warnings.push(code);
    const unknown = createPushNotifier({
      devices: { list: () => Promise.reject(new Error('no database')), remove: async () => undefined },
      senders,
      onWarning,
    });
    expect(await unknown.notify(notification())).toEqual([
      { target: 'push', status: 'failed', reason: 'the devices are not known: no database' },
    ]);
    const kept: PushDevices = {
      list: async () => [{ kind: 'apns', id: 'x', token: 'no token' }],
      remove: () => Promise.reject(new Error('no database')),
    };
    expect(await createPushNotifier({ devices: kept, senders, onWarning }).notify(notification())).toMatchObject([
      { target: 'x', status: 'unregistered' },
    ]);
    const noLedger = { claim: () => Promise.reject(new Error('full')), settle: async () => undefined };
    expect(
      await createPushNotifier({ devices: kept, senders, ledger: noLedger, onWarning }).notify(notification()),
    ).toMatchObject([{ status: 'failed', reason: 'full' }]);
    expect(await createPushNotifier({ devices: kept, senders: [] }).notify(notification())).toMatchObject([
      { status: 'failed', reason: 'no sender for apns' },
    ]);
    expect(warnings).toEqual(['GENIE_PUSH_STORE', 'GENIE_PUSH_STORE']);
  });

  it.each([
    { quietHours: { from: '25:00', to: '07:00', timeZone: 'UTC' } },
    { quietHours: { from: '22:00', to: '07:00', timeZone: 'Mars/Base' } },
    { maxTries: 0 },
    { atOnce: Number.NaN },
  ])('refuses the options %j', (more) => {
    expect(() => createPushNotifier({ devices: deviceList([]), senders: [], ...more })).toThrow(
      expect.objectContaining({ code: 'GENIE_PUSH_OPTIONS' }),
    );
  });
});

/** The suite closes its notifiers; the senders are used by the next one. */
function keepOpen(all: readonly AnyPushSender[]): readonly AnyPushSender[] {
  return all.map((sender) => ({ ...sender, close: async () => undefined }));
}

describe('ledgers', () => {
  it.each(['memory', 'file'])(
    'of %s let one of many have a delivery, and give it back when it failed',
    async (kind) => {
      const open = () => (kind === 'memory' ? memory : openFileLedger({ dir: join(dir, 'claims') }));
      const memory = createMemoryLedger();
      const claims = await Promise.all(Array.from({ length: 8 }, () => open().claim('n', 'd')));
      expect(claims.filter((claim) => claim === 'claimed')).toHaveLength(1);
      await open().settle('n', 'd', false);
      expect(await open().claim('n', 'd')).toBe('claimed');
      await open().settle('n', 'd', true);
      expect(await open().claim('n', 'd')).toBe('delivered');
      expect(await open().claim('n', 'other')).toBe('claimed');
    },
  );

  it('of files free what a dead process held, and forget what is old', async () => {
    const clock = fixedClock('2026-01-01T00:00:00Z');
    const open = () => openFileLedger({ dir: join(dir, 'dead'), clock, claimMs: 1_000, keepMs: 10_000 });
    expect(await open().claim('n', 'd')).toBe('claimed');
    expect(await open().claim('n', 'd')).toBe('busy');
    clock.advance(2_000);
    const claims = await Promise.all(Array.from({ length: 8 }, () => open().claim('n', 'd')));
    expect(claims.filter((claim) => claim === 'claimed')).toHaveLength(1);
    await open().settle('n', 'd', true);
    clock.advance(5_000);
    expect(await open().prune()).toBe(0);
    clock.advance(10_000);
    expect(await open().prune()).toBe(1);
    expect(await open().claim('n', 'd')).toBe('claimed');
  });
});
