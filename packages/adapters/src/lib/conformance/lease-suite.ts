import {
  type ConformanceCase,
  type ConformanceSuite,
  expectCode,
  expectEqual,
  expectThat,
} from '@genie/core/conformance';
import type { HeldLease, Leases } from '@genie/core/ports';

/** What a case of the lease suite gets: leases without any of the case's keys. */
export interface LeaseSetup {
  readonly leases: Leases;
  /** Lets that much of the store's time go by. */
  passTime(ms: number): Promise<void>;
  /** Another process at the same store. With `clockAheadMs` its clock is that wrong. */
  another(options?: { readonly clockAheadMs?: number }): Promise<Leases>;
  /** With the capability `fencing`: a write that the store makes for the holder of this turn only. Rejects with `GENIE_LEASE_LOST`. */
  readonly guardedWrite?: (lease: HeldLease, value: string) => Promise<void>;
  readonly written?: () => Promise<readonly string[]>;
}

type Case = ConformanceCase<LeaseSetup>;

const ttlMs = 1_000;

async function acquired(leases: Leases, key: string): Promise<HeldLease> {
  const lease = await leases.acquire(key, { ttlMs });
  expectThat(lease, `"${key}" should be free`);
  return lease;
}

const holding: readonly Case[] = [
  {
    name: 'a free key is taken, and shown as held',
    async run({ leases }) {
      const lease = await acquired(leases, 'a');
      expectThat(lease.generation >= 1, 'the first generation is at least 1');
      const state = await leases.read('a');
      expectEqual(
        [state?.held, state?.generation, state?.holder],
        [true, lease.generation, lease.holder],
        'held, generation, holder',
      );
      expectEqual(await leases.read('never'), undefined, 'a key that nobody had');
    },
  },
  {
    name: 'a second holder is refused while the first one lasts',
    async run({ leases, another }) {
      await acquired(leases, 'a');
      const other = await another();
      expectEqual(await other.acquire('a', { ttlMs }), undefined, 'the second acquire');
      expectEqual(await leases.acquire('a', { ttlMs }), undefined, 'the same process again');
      await acquired(other, 'b');
    },
  },
  {
    name: 'of eight that want it at once one wins, over and over',
    async run({ leases, another }) {
      const contenders = [leases, ...(await Promise.all(Array.from({ length: 7 }, () => another())))];
      let last = 0;
      for (let round = 0; round < 5; round += 1) {
        const won = (await Promise.all(contenders.map((one) => one.acquire('a', { ttlMs })))).filter(
          (lease) => lease !== undefined,
        );
        expectEqual(won.length, 1, `winners of round ${round}`);
        const generation = won[0]?.generation ?? 0;
        expectThat(generation > last, `generation ${generation} must be above ${last}`);
        last = generation;
        await won[0]?.release();
      }
    },
  },
  {
    name: 'a renewed lease outlives its first time',
    async run({ leases, passTime, another }) {
      const lease = await acquired(leases, 'a');
      await passTime(ttlMs * 0.7);
      expectEqual(await lease.renew(), true, 'renew');
      await passTime(ttlMs * 0.7);
      await lease.check();
      expectEqual(await (await another()).acquire('a', { ttlMs }), undefined, 'another holder');
    },
  },
];

const ending: readonly Case[] = [
  {
    name: 'a released lease is free at once, and its generation is spent',
    async run({ leases, another }) {
      const first = await acquired(leases, 'a');
      await first.release();
      expectEqual((await leases.read('a'))?.held, false, 'held after the release');
      const second = await acquired(await another(), 'a');
      expectThat(second.generation > first.generation, 'the generation must grow');
    },
  },
  {
    name: 'a lease that ran out goes to the next one, with a higher generation',
    async run({ leases, passTime, another }) {
      const first = await acquired(leases, 'a');
      await passTime(ttlMs * 1.2);
      await expectCode(first.check(), 'GENIE_LEASE_LOST');
      const second = await acquired(await another(), 'a');
      expectThat(second.generation > first.generation, 'the generation must grow');
      expectEqual(await first.renew(), false, 'a renewal of the turn that is over');
      await expectCode(first.check(), 'GENIE_LEASE_LOST');
    },
  },
  {
    name: 'release is idempotent and never ends the turn of a later holder',
    async run({ leases, another }) {
      const first = await acquired(leases, 'a');
      await first.release();
      await first.release();
      const second = await acquired(await another(), 'a');
      await first.release();
      await second.check();
      expectEqual(await first.renew(), false, 'a renewal after the release');
    },
  },
  {
    name: 'a holder with a clock that is an hour wrong neither steals nor overstays',
    async run({ leases, passTime, another }) {
      const lease = await acquired(leases, 'a');
      const ahead = await another({ clockAheadMs: 3_600_000 });
      expectEqual(await ahead.acquire('a', { ttlMs }), undefined, 'one whose clock is ahead');
      await lease.check();
      const behind = await another({ clockAheadMs: -3_600_000 });
      const late = await acquired(behind, 'b');
      await passTime(ttlMs * 1.2);
      await expectCode(late.check(), 'GENIE_LEASE_LOST');
      await acquired(leases, 'b');
    },
  },
  {
    name: 'a late write of a former holder is refused, whenever it comes',
    requires: 'fencing',
    async run({ leases, passTime, another, guardedWrite, written }) {
      expectThat(guardedWrite && written, 'the capability "fencing" needs guardedWrite and written');
      const first = await acquired(leases, 'a');
      await guardedWrite(first, 'first');
      await passTime(ttlMs * 1.2);
      const second = await acquired(await another(), 'a');
      const late = Array.from({ length: 10 }, (_, index) =>
        index % 2 === 0 ? guardedWrite(first, `late ${index}`) : guardedWrite(second, `second ${index}`),
      );
      const outcomes = await Promise.allSettled(late);
      for (const [index, outcome] of outcomes.entries()) {
        if (index % 2 === 0) await expectCode(rejected(outcome), 'GENIE_LEASE_LOST');
        else expectEqual(outcome.status, 'fulfilled', `write ${index} of the present holder`);
      }
      expectEqual(
        [...(await written())].sort(),
        ['first', ...[1, 3, 5, 7, 9].map((index) => `second ${index}`)],
        'what was written',
      );
    },
  },
];

async function rejected(outcome: PromiseSettledResult<void>): Promise<void> {
  if (outcome.status === 'rejected') throw outcome.reason;
}

const names: readonly Case[] = [
  {
    name: 'keys are told apart exactly, with every trap that a text can hold',
    async run({ leases }) {
      const keys = [
        'a',
        'A',
        'a ',
        'ä',
        'a\u0308',
        'a\u0000',
        'a\\u0000',
        "a'; --",
        '\ud800',
        '🧞',
        'a%',
        'a_',
        'x'.repeat(900),
        `${'x'.repeat(899)}y`,
      ];
      for (const key of keys) await acquired(leases, key);
      for (const key of keys) {
        expectEqual(
          await leases.acquire(key, { ttlMs }),
          undefined,
          `the second acquire of ${JSON.stringify(key.slice(0, 20))}`,
        );
      }
    },
  },
  {
    name: 'a key that cannot be stored is refused with GENIE_LEASE_KEY',
    async run({ leases }) {
      await expectCode(leases.acquire('', { ttlMs }), 'GENIE_LEASE_KEY');
      await expectCode(leases.read('x'.repeat(1_001)), 'GENIE_LEASE_KEY');
    },
  },
  {
    name: 'an aborted acquire takes nothing',
    async run({ leases }) {
      const signal = AbortSignal.abort(new Error('stop'));
      const work = leases.acquire('a', { ttlMs, signal }).then(
        () => 'took it',
        () => 'refused',
      );
      expectEqual(await work, 'refused', 'an aborted acquire');
      await acquired(leases, 'a');
    },
  },
];

/** Every promise of the `Leases` port. Capabilities: `fencing` (the store refuses writes of a former holder). */
export const leaseSuite: ConformanceSuite<LeaseSetup> = { port: 'Leases', cases: [...holding, ...ending, ...names] };
