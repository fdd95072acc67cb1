import { type ConformanceCase, runConformance } from '@genie/core/conformance';
import type { Wake, Wakes } from '@genie/core/ports';
import { describe, expect, it } from 'vitest';
import { runInParts } from '../docker/testing/run-in-parts.ts';
import { createMemoryWakes } from '../wakes/memory-wakes.ts';
import { createWakesCluster } from './shared-fakes.ts';
import { type WakesSetup, wakesSuite } from './wakes-suite.ts';

interface Mutant {
  readonly caughtBy: string;
  wrap?(wakes: Wakes): Wakes;
  readonly survivesDeath?: boolean;
  /** Each server has a store of its own. */
  readonly apart?: boolean;
}

const bound = (wakes: Wakes): Wakes => ({
  schedule: (genieId, schedule) => wakes.schedule(genieId, schedule),
  wakeAt: (genieId, dueAt) => wakes.wakeAt(genieId, dueAt),
  work: (handler, options) => wakes.work(handler, options),
  close: () => wakes.close(),
});

const onWake =
  (change: (wake: Wake) => Partial<Wake>) =>
  (wakes: Wakes): Wakes => ({
    ...bound(wakes),
    work: (handler, options) =>
      wakes.work((wake) => handler({ ...wake, accept: () => wake.accept(), ...change(wake) }), options),
  });

const mutants: Readonly<Record<string, Mutant>> = {
  'hands a wake over twice': {
    caughtBy: 'a wake is handed over with its genie, time and id, and accepted once',
    wrap: (wakes) => ({
      ...bound(wakes),
      work: (handler, options) =>
        wakes.work(async (wake) => {
          await handler(wake);
          await handler(wake);
        }, options),
    }),
  },
  'wakes early': {
    caughtBy: 'a wake does not come before its time',
    wrap: (wakes) => ({ ...bound(wakes), wakeAt: (genieId, dueAt) => wakes.wakeAt(genieId, dueAt - 1_000) }),
  },
  'counts every asking': {
    caughtBy: 'the same genie and time is one wake, whoever asks for it and how often',
    wrap: (wakes) => {
      let asked = 0;
      return {
        ...bound(wakes),
        wakeAt(genieId, dueAt) {
          asked += 1;
          return wakes.wakeAt(genieId, dueAt - asked);
        },
      };
    },
  },
  'accepts everybody': {
    caughtBy: 'of many that accept one handing over at once, one may work',
    wrap: onWake(() => ({ accept: async () => true })),
  },
  'forgets failures': {
    caughtBy: 'a handler that fails before it accepts gets the wake again',
    wrap: (wakes) => ({
      ...bound(wakes),
      work: (handler, options) => wakes.work((wake) => handler(wake).catch(() => undefined), options),
    }),
  },
  'never stops': {
    caughtBy: 'after stop no wake begins, and it resolves when those under way have ended',
    wrap: (wakes) => ({
      ...bound(wakes),
      async work(handler, options) {
        await wakes.work(handler, options);
        return async () => undefined;
      },
    }),
  },
  'leaves moments out': {
    caughtBy: 'a schedule becomes wakes, each moment once, and none of the time before it',
    wrap: (wakes) => ({
      ...bound(wakes),
      work: (handler, options) =>
        wakes.work(async (wake) => {
          if (wake.dueAt % 2_000 === 0) await handler(wake);
        }, options),
    }),
  },
  'keeps old schedules': {
    caughtBy: 'a removed schedule wakes no more, and a changed one counts from its change',
    wrap: (wakes) => ({
      ...bound(wakes),
      schedule: async (genieId, schedule) => (schedule ? wakes.schedule(genieId, schedule) : undefined),
    }),
  },
  'takes any schedule': {
    caughtBy: 'what cannot be scheduled is refused, and changes nothing',
    wrap: (wakes) => ({ ...bound(wakes), schedule: (...asked) => wakes.schedule(...asked).catch(() => undefined) }),
  },
  'can be closed only once': {
    caughtBy: 'close is idempotent and ends the work',
    wrap: (wakes) => {
      let isClosed = false;
      return {
        ...bound(wakes),
        async close() {
          if (isClosed) throw new Error('closed twice');
          isClosed = true;
        },
      };
    },
  },
  'works on every server': {
    caughtBy: 'servers share the wakes: each is accepted by one of them',
    apart: true,
  },
  'plans on every server': {
    caughtBy: 'servers that look at one schedule make one wake of each moment',
    apart: true,
  },
  'loses what a dead server took': {
    caughtBy: 'a wake that a server took and never accepted goes to another one when it dies',
    survivesDeath: true,
  },
};

/** Servers that hear of every wake and schedule, and ask nobody: each does everything. */
function createApart(): { open(): Wakes } {
  const all: Wakes[] = [];
  return {
    open() {
      const own = createMemoryWakes({ tickMs: 50 });
      all.push(own);
      return {
        ...bound(own),
        schedule: async (...asked) => void (await Promise.all(all.map((one) => one.schedule(...asked)))),
        wakeAt: async (...asked) => (await Promise.all(all.map((one) => one.wakeAt(...asked))))[0] as string,
      };
    },
  };
}

function createSetup(
  mutant: Partial<Mutant>,
): () => Promise<{ setup: WakesSetup; capabilities: Set<string>; close(): Promise<void> }> {
  return async () => {
    const cluster = createWakesCluster();
    const apart = createApart();
    const real = new Map<Wakes, Wakes>();
    const open = (): Wakes => {
      const server = mutant.apart ? apart.open() : cluster.open();
      const wrapped = mutant.wrap?.(server) ?? server;
      real.set(wrapped, server);
      return wrapped;
    };
    return {
      setup: {
        wakes: open(),
        another: async () => open(),
        kill: async (wakes) => {
          const server = real.get(wakes);
          if (server && !mutant.survivesDeath) cluster.kill(server);
        },
      },
      capabilities: new Set(['shared']),
      // A handler of a server that nobody killed may never end.
      close: () => Promise.race([cluster.close(), new Promise<void>((resolve) => setTimeout(resolve, 200))]),
    };
  };
}

function only(name: string): { readonly port: string; readonly cases: readonly ConformanceCase<WakesSetup>[] } {
  return { ...wakesSuite, cases: wakesSuite.cases.filter((one) => one.name === name) };
}

describe('wakesSuite', () => {
  it('is passed by what keeps the promises, shared ones too', async () => {
    const results = await runInParts(wakesSuite, 4, createSetup({}));
    expect(results).toHaveLength(wakesSuite.cases.length);
    expect(results.filter((result) => result.status !== 'passed')).toEqual([]);
  }, 60_000);

  it.concurrent.each(Object.entries(mutants))('catches wakes that: %s', async (_what, mutant) => {
    const report = await runConformance(only(mutant.caughtBy), createSetup(mutant), { timeoutMs: 6_000 });
    expect(report.results.map(({ name, status }) => [name, status])).toEqual([[mutant.caughtBy, 'failed']]);
  });

  it('has a mutant for every case', () => {
    const caught = new Set(Object.values(mutants).map((mutant) => mutant.caughtBy));
    expect(wakesSuite.cases.map((one) => one.name).filter((name) => !caught.has(name))).toEqual([]);
  });
});
