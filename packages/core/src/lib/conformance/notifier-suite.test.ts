import { describe, expect, it } from 'vitest';
import type { DeliveryResult, Notification, NotifierPort } from '../ports/notifier.ts';
import { type ConformanceSetup, runConformance } from './conformance.ts';
import { type NotifierSetup, notifierSuite, type ReceivedNotification } from './notifier-suite.ts';

interface Far {
  readonly devices: Set<string>;
  readonly gone: Set<string>;
  readonly notes: Set<string>;
  readonly arrived: ReceivedNotification[];
  isBroken: boolean;
}

/** Notifies devices that are only in this process. */
function createNotifier(far: Far, quiet: Promise<void> = Promise.resolve()): NotifierPort {
  let closed = false;
  const deliver = (target: string, { id, title, body }: Notification): DeliveryResult => {
    if (far.gone.has(target)) {
      far.devices.delete(target);
      return { target, status: 'unregistered' };
    }
    if (far.notes.has(`${target} ${id}`)) return { target, status: 'duplicate' };
    if (far.isBroken || closed) return { target, status: 'failed', reason: 'it is away' };
    far.notes.add(`${target} ${id}`);
    far.arrived.push({ target, id, title, body });
    return { target, status: 'delivered' };
  };
  return {
    async notify(notification, { signal } = {}) {
      if (!notification.urgent) await quiet;
      if (signal?.aborted) return [...far.devices].map((target) => ({ target, status: 'failed', reason: 'cancelled' }));
      return [...far.devices].map((target) => deliver(target, notification));
    },
    async close() {
      closed = true;
    },
  };
}

type Break = (notifier: NotifierPort, far: Far) => Partial<NotifierPort>;

async function setup(breakIt: Break = () => ({})): Promise<ConformanceSetup<NotifierSetup>> {
  const far: Far = {
    devices: new Set(['phone', 'laptop']),
    gone: new Set(),
    notes: new Set(),
    arrived: [],
    isBroken: false,
  };
  const broken = (notifier: NotifierPort): NotifierPort => ({ ...notifier, ...breakIt(notifier, far) });
  const quiet = Promise.withResolvers<void>();
  return {
    setup: {
      notifier: broken(createNotifier(far)),
      received: async () => far.arrived,
      break: async (isBroken) => {
        far.isBroken = isBroken;
      },
      unregister: async () => {
        far.gone.add('phone');
        return 'phone';
      },
      reopen: async () => broken(createNotifier(far)),
      quiet: { notifier: broken(createNotifier(far, quiet.promise)), end: () => quiet.resolve() },
    },
    capabilities: new Set(['failing', 'unregistered', 'durable', 'quietHours']),
  };
}

const again: Break = (notifier, far) => ({
  notify(notification, options) {
    far.notes.clear();
    return notifier.notify(notification, options);
  },
});

/** A broken notifier for each case, in the order of the suite. */
const mutants: readonly Break[] = [
  (notifier) => ({ notify: async (...args) => (await notifier.notify(...args)).slice(1) }),
  again,
  (notifier) => ({ notify: (one, options) => notifier.notify({ ...one, id: `${one.id} ${Math.random()}` }, options) }),
  (notifier) => ({
    notify: (one, options) => notifier.notify({ ...one, title: one.title.replace(/[^ -~]/g, '?') }, options),
  }),
  (notifier, far) => ({
    async notify(...args) {
      if (far.isBroken) throw new Error('it is away');
      return notifier.notify(...args);
    },
  }),
  (notifier) => ({ notify: (one) => notifier.notify(one) }),
  (notifier, far) => ({
    async notify(...args) {
      far.devices.add('phone');
      return notifier.notify(...args);
    },
  }),
  (notifier, far) => ({
    async close() {
      far.notes.clear();
      await notifier.close();
    },
  }),
  (notifier) => ({ notify: (one, options) => notifier.notify({ ...one, urgent: true }, options) }),
  () => ({ close: async () => undefined }),
];

describe('notifierSuite', () => {
  it('is kept by a notifier that keeps its promises', async () => {
    const report = await runConformance(notifierSuite, setup);
    expect(report.results.filter(({ status }) => status !== 'passed')).toEqual([]);
  });

  it.each(notifierSuite.cases.map(({ name }, index) => [name, index] as const))(
    'catches a notifier that does not: %s',
    async (name, index) => {
      const cases = notifierSuite.cases.filter((one) => one.name === name);
      const report = await runConformance({ ...notifierSuite, cases }, () => setup(mutants[index]), {
        timeoutMs: 2_000,
      });
      expect(report.results.map(({ status }) => status)).toEqual(['failed']);
    },
  );
});
