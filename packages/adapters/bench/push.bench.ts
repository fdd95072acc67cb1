import { createApnsSender } from '@genie/adapters/apns';
import { createPushNotifier, type PushDevice } from '@genie/adapters/push';
import { startApnsServer } from '../src/lib/push/testing/apns-server.ts';

const devices = 10_000;

/** 10,000 devices; each twentieth is gone, and each tenth request is answered with a server error. */
export async function bench({ log }: { readonly log: (line: string) => void }) {
  const server = await startApnsServer();
  const isGone = (index: number) => index % 20 === 7;
  const all: PushDevice[] = Array.from({ length: devices }, (_, index) => {
    const token = index.toString(16).padStart(16, '0');
    return { kind: 'apns', id: token, token };
  });
  let requests = 0;
  server.decide = (token) => {
    requests += 1;
    if (isGone(Number.parseInt(token, 16))) return { status: 410, reason: 'Unregistered' };
    return requests % 10 === 0 ? { status: requests % 20 === 0 ? 503 : 500, reason: 'InternalServerError' } : undefined;
  };
  const removed = new Set<string>();
  const sender = await createApnsSender(server.options);
  const store = {
    list: async () => all.filter(({ id }) => !removed.has(id)),
    remove: async ({ id }: PushDevice) => void removed.add(id),
  };
  const notifier = createPushNotifier({ devices: store, senders: [sender], firstPauseMs: 5 });
  const startedAt = performance.now();
  const results = await notifier.notify({ id: 'n', kind: 'briefing', genieId: 'g', title: 'Title', body: 'Body' });
  const seconds = (performance.now() - startedAt) / 1000;
  const arrivals = new Map<string, number>();
  for (const { token } of server.arrived) arrivals.set(token, (arrivals.get(token) ?? 0) + 1);
  const valid = all.filter((_, index) => !isGone(index));
  const wrong = valid.filter(({ id }) => arrivals.get(id) !== 1).length;
  const kept = all.filter((device, index) => isGone(index) && !removed.has(device.id)).length;
  const tooMany = [...removed].filter((id) => !isGone(Number.parseInt(id, 16))).length;
  const statuses = Object.groupBy(results, ({ status }) => status);
  log(
    `${seconds.toFixed(1)} s, ${requests} requests, ${Object.entries(statuses)
      .map(([status, list]) => `${list?.length} ${status}`)
      .join(', ')}`,
  );
  await notifier.close();
  await server.close();
  return [
    {
      id: 'adapters.push.once',
      what: `of ${valid.length} valid devices, those that did not get it exactly once`,
      value: wrong,
      unit: 'devices',
      reach: '= 0',
      ok: wrong === 0,
    },
    {
      id: 'adapters.push.removed',
      what: `of ${devices - valid.length} invalid tokens kept, plus valid ones removed`,
      value: kept + tooMany,
      unit: 'devices',
      reach: '= 0',
      ok: kept + tooMany === 0,
    },
    { id: 'adapters.push.rate', what: 'deliveries', value: devices / seconds, unit: '/s', reach: null, ok: true },
  ];
}
