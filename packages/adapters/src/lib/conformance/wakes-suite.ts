import {
  type ConformanceCase,
  type ConformanceSuite,
  expectCode,
  expectEqual,
  expectThat,
} from '@genie/core/conformance';
import type { Wake, Wakes } from '@genie/core/ports';

/** What a case of the wakes suite gets: no schedules and no wakes. */
export interface WakesSetup {
  readonly wakes: Wakes;
  /** With the capability `shared`: another server on the same store. */
  readonly another?: () => Promise<Wakes>;
  /** With `shared`: ends a server of `another` as the death of its process would. */
  readonly kill?: (wakes: Wakes) => Promise<void>;
}

type Case = ConformanceCase<WakesSetup>;
type Seen = Pick<Wake, 'id' | 'genieId' | 'dueAt' | 'attempt'> & { readonly accepted: boolean; readonly at: number };

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition: () => boolean, what: string, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`never came: ${what}`);
    await pause(10);
  }
}

/** Works, accepts, and notes. */
async function collect(wakes: Wakes, seen: Seen[]): Promise<() => Promise<void>> {
  return wakes.work(async (wake) => {
    const accepted = await wake.accept();
    const { id, genieId, dueAt, attempt } = wake;
    seen.push({ id, genieId, dueAt, attempt, accepted, at: Date.now() });
  });
}

const accepted = (seen: readonly Seen[]): readonly Seen[] => seen.filter((one) => one.accepted);

const single: readonly Case[] = [
  {
    name: 'a wake is handed over with its genie, time and id, and accepted once',
    async run({ wakes }) {
      const seen: Seen[] = [];
      const dueAt = Date.now() - 1_000;
      const id = await wakes.wakeAt('genie-a', dueAt);
      await collect(wakes, seen);
      await until(() => seen.length > 0, 'the wake');
      await pause(600);
      expectEqual(
        seen.map((one) => [one.id, one.genieId, one.dueAt, one.attempt, one.accepted]),
        [[id, 'genie-a', dueAt, 1, true]],
        'wakes',
      );
    },
  },
  {
    name: 'a wake does not come before its time',
    async run({ wakes }) {
      const seen: Seen[] = [];
      const dueAt = Date.now() + 1_200;
      await collect(wakes, seen);
      await wakes.wakeAt('genie-a', dueAt);
      await until(() => seen.length > 0, 'the wake');
      expectThat((seen[0]?.at ?? 0) >= dueAt - 50, `it came ${dueAt - (seen[0]?.at ?? 0)} ms early`);
    },
  },
  {
    name: 'the same genie and time is one wake, whoever asks for it and how often',
    async run({ wakes }) {
      const seen: Seen[] = [];
      const dueAt = Date.now();
      const ids = await Promise.all(Array.from({ length: 8 }, () => wakes.wakeAt('genie-a', dueAt)));
      expectEqual(new Set(ids).size, 1, 'different ids');
      await wakes.wakeAt('genie-b', dueAt);
      await collect(wakes, seen);
      await until(() => seen.length >= 2, 'both wakes');
      await wakes.wakeAt('genie-a', dueAt);
      await pause(700);
      expectEqual(seen.map((one) => one.genieId).sort(), ['genie-a', 'genie-b'], 'wakes');
    },
  },
  {
    name: 'of many that accept one handing over at once, one may work',
    async run({ wakes }) {
      const answers: boolean[] = [];
      await wakes.work(async (wake) => {
        answers.push(...(await Promise.all(Array.from({ length: 8 }, () => wake.accept()))));
      });
      await wakes.wakeAt('genie-a', Date.now());
      await until(() => answers.length === 8, 'the answers');
      expectEqual(answers.filter(Boolean).length, 1, 'accepted');
    },
  },
  {
    name: 'a handler that fails before it accepts gets the wake again',
    async run({ wakes }) {
      const attempts: number[] = [];
      let isDone = false;
      await wakes.work(async (wake) => {
        attempts.push(wake.attempt);
        if (attempts.length < 2) throw new Error('not yet');
        isDone = await wake.accept();
      });
      await wakes.wakeAt('genie-a', Date.now());
      await until(() => isDone, 'the second handing over');
      expectEqual(attempts, [1, 2], 'attempts');
    },
  },
  {
    name: 'after stop no wake begins, and it resolves when those under way have ended',
    async run({ wakes }) {
      const began: string[] = [];
      const ended: string[] = [];
      const stop = await wakes.work(async (wake) => {
        began.push(wake.id);
        await pause(300);
        await wake.accept();
        ended.push(wake.id);
      });
      await wakes.wakeAt('genie-a', Date.now());
      await until(() => began.length === 1, 'the first wake');
      await stop();
      expectEqual(ended.length, 1, 'wakes that ended before stop resolved');
      await wakes.wakeAt('genie-b', Date.now());
      await pause(800);
      expectEqual(began.length, 1, 'wakes that began');
      const seen: Seen[] = [];
      await collect(wakes, seen);
      await until(() => accepted(seen).length === 1, 'the wake that waited');
    },
  },
];

const scheduled: readonly Case[] = [
  {
    name: 'a schedule becomes wakes, each moment once, and none of the time before it',
    async run({ wakes }) {
      const seen: Seen[] = [];
      await collect(wakes, seen);
      const from = Date.now();
      await wakes.schedule('genie-a', { cron: '* * * * * *', misfire: 'all' });
      await until(() => seen.length >= 3, 'three wakes');
      const times = accepted(seen).map((one) => one.dueAt);
      expectEqual(new Set(times).size, times.length, 'different moments');
      expectThat(
        times.every((dueAt) => dueAt % 1_000 === 0 && dueAt >= from - 1_500),
        'whole seconds after the call',
      );
      const sorted = [...times].sort((left, right) => left - right);
      expectEqual(
        (sorted.at(-1) ?? 0) - (sorted[0] ?? 0),
        (sorted.length - 1) * 1_000,
        'the span: no moment is left out',
      );
    },
  },
  {
    name: 'a removed schedule wakes no more, and a changed one counts from its change',
    async run({ wakes }) {
      const seen: Seen[] = [];
      await collect(wakes, seen);
      await wakes.schedule('genie-a', { cron: '* * * * * *' });
      await wakes.schedule('genie-b', { cron: '* * * * * *' });
      await until(() => new Set(seen.map((one) => one.genieId)).size === 2, 'wakes of both');
      await wakes.schedule('genie-a', undefined);
      await wakes.schedule('genie-b', { cron: '0 0 1 1 *' });
      await pause(1_500);
      const before = seen.length;
      await pause(1_500);
      expectEqual(seen.length, before, 'wakes after the change');
    },
  },
  {
    name: 'what cannot be scheduled is refused, and changes nothing',
    async run({ wakes }) {
      await expectCode(wakes.schedule('genie-a', { cron: 'soon' }), 'GENIE_SCHEDULE_INVALID');
      await expectCode(
        wakes.schedule('genie-a', { cron: '0 7 * * *', timezone: 'Mars/Base' }),
        'GENIE_SCHEDULE_INVALID',
      );
      for (const bad of ['', 'two words', 'a/b', 'x'.repeat(201), 'größe']) {
        await expectCode(wakes.schedule(bad, { cron: '0 7 * * *' }), 'GENIE_WAKES_GENIE');
        await expectCode(wakes.wakeAt(bad, Date.now()), 'GENIE_WAKES_GENIE');
      }
    },
  },
  {
    name: 'close is idempotent and ends the work',
    async run({ wakes }) {
      const seen: Seen[] = [];
      await collect(wakes, seen);
      await wakes.close();
      await wakes.close();
    },
  },
];

const sharing: readonly Case[] = [
  {
    name: 'servers share the wakes: each is accepted by one of them',
    requires: 'shared',
    async run({ wakes, another }) {
      const others = await Promise.all([given(another)(), given(another)()]);
      const seen: Seen[] = [];
      const dueAt = Date.now() - 1_000;
      await Promise.all(Array.from({ length: 150 }, (_, index) => wakes.wakeAt(`genie-${index}`, dueAt)));
      for (const server of [wakes, ...others]) await collect(server, seen);
      await until(() => accepted(seen).length >= 150, 'all wakes', 20_000);
      await pause(700);
      expectEqual(
        [accepted(seen).length, new Set(seen.map((one) => one.id)).size],
        [150, 150],
        'accepted and different',
      );
      for (const server of others) await server.close();
    },
  },
  {
    name: 'servers that look at one schedule make one wake of each moment',
    requires: 'shared',
    async run({ wakes, another }) {
      const others = await Promise.all([given(another)(), given(another)()]);
      const seen: Seen[] = [];
      for (const server of [wakes, ...others]) await collect(server, seen);
      await wakes.schedule('genie-a', { cron: '* * * * * *' });
      await until(() => accepted(seen).length >= 3, 'three wakes');
      const ids = accepted(seen).map((one) => one.id);
      expectEqual(new Set(ids).size, ids.length, 'different wakes');
      for (const server of others) await server.close();
    },
  },
  {
    name: 'a wake that a server took and never accepted goes to another one when it dies',
    requires: 'shared',
    async run({ wakes, another, kill }) {
      const victim = await given(another)();
      let taken = 0;
      await victim.work(async () => {
        taken += 1;
        await new Promise(() => undefined);
      });
      const id = await wakes.wakeAt('genie-a', Date.now());
      await until(() => taken === 1, 'the victim takes it');
      await given(kill)(victim);
      const seen: Seen[] = [];
      await collect(wakes, seen);
      await until(() => seen.length > 0, 'the wake on another server', 28_000);
      expectEqual(
        seen.map((one) => [one.id, one.accepted, one.attempt]),
        [[id, true, 2]],
        'wakes',
      );
    },
  },
];

function given<Value>(value: Value | undefined): Value {
  expectThat(value !== undefined, 'the capability "shared" needs another and kill');
  return value as Value;
}

/** Every promise of the `Wakes` port. Capabilities: `shared` (several servers). */
export const wakesSuite: ConformanceSuite<WakesSetup> = { port: 'Wakes', cases: [...single, ...scheduled, ...sharing] };
