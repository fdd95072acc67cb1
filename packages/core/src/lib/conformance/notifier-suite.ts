import type { Notification, NotifierPort } from '../ports/notifier.ts';
import { type ConformanceCase, type ConformanceSuite, expectEqual, expectThat } from './conformance.ts';

/** What arrived at a device. */
export interface ReceivedNotification {
  readonly target: string;
  readonly id: string;
  readonly title: string;
  readonly body: string;
}

/** What a case of the notifier's suite gets: a notifier with at least one device that works. */
export interface NotifierSetup {
  readonly notifier: NotifierPort;
  /** Everything that arrived at the far side, in order. */
  received(): Promise<readonly ReceivedNotification[]>;
  /** With the capability `failing`: the far side fails for good from now on, or works again. */
  break?(isBroken: boolean): Promise<void>;
  /** With `unregistered`: takes a device away; returns the target of its results. */
  unregister?(): Promise<string>;
  /** With `durable`: another notifier over the same notes, as after a restart. */
  reopen?(): Promise<NotifierPort>;
  /** With `quietHours`: one for which it is quiet now, until `end` is called. */
  readonly quiet?: { readonly notifier: NotifierPort; end(): void };
}

const notification = (more: Partial<Notification> = {}): Notification => ({
  id: 'run_1',
  kind: 'briefing',
  genieId: 'genie_a',
  title: 'Good morning',
  body: 'Two things are new.',
  ...more,
});

const statuses = (results: readonly { readonly status: string }[]) => [...new Set(results.map(({ status }) => status))];

const cases: readonly ConformanceCase<NotifierSetup>[] = [
  {
    name: 'brings a notification to every device, with a result for each',
    async run({ notifier, received }) {
      const results = await notifier.notify(notification());
      const arrived = await received();
      expectThat(results.length > 0, 'there are no results');
      expectEqual(statuses(results), ['delivered'], 'statuses');
      expectEqual(arrived.map(({ target }) => target).sort(), results.map(({ target }) => target).sort(), 'devices');
      expectEqual(
        [...new Set(arrived.map(({ title, body }) => `${title}/${body}`))],
        ['Good morning/Two things are new.'],
        'content',
      );
    },
  },
  {
    name: 'delivers an id once, and another id again',
    async run({ notifier, received }) {
      const first = await notifier.notify(notification());
      expectEqual(statuses(await notifier.notify(notification())), ['duplicate'], 'statuses of the second time');
      expectEqual((await received()).length, first.length, 'what arrived');
      expectEqual(
        statuses(await notifier.notify(notification({ id: 'run_2' }))),
        ['delivered'],
        'statuses of another id',
      );
    },
  },
  {
    name: 'delivers an id once when it is given many times at once',
    async run({ notifier, received }) {
      const all = await Promise.all(Array.from({ length: 8 }, () => notifier.notify(notification())));
      const delivered = all.flat().filter(({ status }) => status === 'delivered');
      expectEqual(delivered.length, all[0]?.length, 'deliveries');
      expectEqual((await received()).length, delivered.length, 'what arrived');
    },
  },
  {
    name: 'brings any text through',
    async run({ notifier, received }) {
      const title = 'Größe 🧞‍♂️ "x" \\ <b> \u202e\u0000 end';
      await notifier.notify(notification({ title, body: '' }));
      expectEqual((await received())[0]?.title, title, 'title');
      const long = await notifier.notify(notification({ id: 'run_long', body: '語"'.repeat(50_000) }));
      expectEqual(statuses(long), ['delivered'], 'statuses of a long text');
      const arrived = (await received()).at(-1);
      expectThat(arrived?.id === 'run_long' && arrived.body.startsWith('語"語"'), 'the long text did not arrive');
      expectEqual(
        statuses(await notifier.notify(notification({ id: 'lone \ud800 half', title: '\udc00' }))),
        ['delivered'],
        'statuses of broken text',
      );
    },
  },
  {
    name: 'turns a failure into a result, and tries again when it is asked again',
    requires: 'failing',
    async run(setup) {
      expectThat(setup.break, 'a setup with the capability "failing" has "break"');
      await setup.break(true);
      const failed = await setup.notifier.notify(notification());
      expectEqual(statuses(failed), ['failed'], 'statuses');
      expectThat(
        failed.every(({ reason }) => reason),
        'a failure has no reason',
      );
      await setup.break(false);
      expectEqual(statuses(await setup.notifier.notify(notification())), ['delivered'], 'statuses afterwards');
      expectEqual((await setup.received()).length, failed.length, 'what arrived');
    },
  },
  {
    name: 'sends nothing when the signal has aborted before, and does not throw',
    async run({ notifier, received }) {
      const results = await notifier.notify(notification(), { signal: AbortSignal.abort() });
      expectThat(!statuses(results).includes('delivered'), 'it says that it delivered');
      expectEqual((await received()).length, 0, 'what arrived');
    },
  },
  {
    name: 'reports a device that is gone once, and forgets it',
    requires: 'unregistered',
    async run(setup) {
      expectThat(setup.unregister, 'a setup with the capability "unregistered" has "unregister"');
      const target = await setup.unregister();
      const first = await setup.notifier.notify(notification());
      expectEqual(first.find((result) => result.target === target)?.status, 'unregistered', 'status');
      const second = await setup.notifier.notify(notification({ id: 'run_2' }));
      expectThat(!second.some((result) => result.target === target), 'it is still tried');
    },
  },
  {
    name: 'remembers over a restart what was delivered',
    requires: 'durable',
    async run(setup) {
      expectThat(setup.reopen, 'a setup with the capability "durable" has "reopen"');
      const first = await setup.notifier.notify(notification());
      await setup.notifier.close();
      const next = await setup.reopen();
      expectEqual(statuses(await next.notify(notification())), ['duplicate'], 'statuses');
      expectEqual((await setup.received()).length, first.length, 'what arrived');
      await next.close();
    },
  },
  {
    name: 'holds back what is not urgent while it is quiet',
    requires: 'quietHours',
    async run({ quiet, received }) {
      expectThat(quiet, 'a setup with the capability "quietHours" has "quiet"');
      const held = quiet.notifier.notify(notification());
      const urgent = await quiet.notifier.notify(notification({ id: 'urgent', kind: 'approval', urgent: true }));
      expectEqual(statuses(urgent), ['delivered'], 'statuses of the urgent one');
      expectEqual([...new Set((await received()).map(({ id }) => id))], ['urgent'], 'what arrived while it was quiet');
      quiet.end();
      expectEqual(statuses(await held), ['delivered'], 'statuses of the other');
    },
  },
  {
    name: 'close is idempotent, and nothing is delivered afterwards',
    async run({ notifier, received }) {
      await notifier.close();
      await notifier.close();
      const results = await notifier.notify(notification()).catch(() => []);
      expectThat(!statuses(results).includes('delivered'), 'it says that it delivered');
      expectEqual((await received()).length, 0, 'what arrived');
    },
  },
];

/** Every promise of the `NotifierPort`. Capabilities: `failing`, `unregistered`, `durable`, `quietHours`; see {@link NotifierSetup}. */
export const notifierSuite: ConformanceSuite<NotifierSetup> = { port: 'NotifierPort', cases };
