import { runConformance } from '@genie/core/conformance';
import { GenieError } from '@genie/core/errors';
import type { HeldLease, Leases } from '@genie/core/ports';
import { fixedClock } from '@genie/core/testing';
import { describe, expect, it } from 'vitest';
import { createMemoryLeases, type LeaseRows } from '../lease/memory-leases.ts';
import { type LeaseSetup, leaseSuite } from './lease-suite.ts';

type Wrap = (
  real: Leases,
  tools: { readonly rows: LeaseRows; skewed: number; readonly clock: { now(): number } },
) => Leases;

interface Mutant {
  readonly caughtBy: string;
  readonly wrap?: Wrap;
  readonly unguarded?: boolean;
}

const bound = (real: Leases): Leases => ({
  acquire: (key, options) => real.acquire(key, options),
  read: (key) => real.read(key),
  close: () => real.close(),
});

const onTurn =
  (change: (turn: HeldLease, real: Leases) => Partial<HeldLease>): Wrap =>
  (real) => ({
    ...bound(real),
    async acquire(key, options) {
      const turn = await real.acquire(key, options);
      return turn && { ...turn, ...change(turn, real) };
    },
  });

const mutants: Readonly<Record<string, Mutant>> = {
  'shows nobody': {
    caughtBy: 'a free key is taken, and shown as held',
    wrap: (real) => ({ ...bound(real), read: async () => undefined }),
  },
  'lets two in': {
    caughtBy: 'a second holder is refused while the first one lasts',
    wrap: (real, { rows }) => ({
      ...bound(real),
      async acquire(key, options) {
        const row = rows.get(key);
        if (row) row.expiresAt = 0;
        return real.acquire(key, options);
      },
    }),
  },
  'looks, waits, then takes': {
    caughtBy: 'of eight that want it at once one wins, over and over',
    wrap: (real, { rows }) => ({
      ...bound(real),
      async acquire(key, options) {
        const isFree = !(await real.read(key))?.held;
        await new Promise((resolve) => setTimeout(resolve, 1));
        const row = rows.get(key);
        if (isFree && row) row.expiresAt = 0;
        return real.acquire(key, options);
      },
    }),
  },
  'renews in words only': {
    caughtBy: 'a renewed lease outlives its first time',
    wrap: onTurn(() => ({ renew: async () => true })),
  },
  'keeps what was released': {
    caughtBy: 'a released lease is free at once, and its generation is spent',
    wrap: onTurn(() => ({ release: async () => undefined })),
  },
  'lasts for ever': {
    caughtBy: 'a lease that ran out goes to the next one, with a higher generation',
    wrap: (real) => ({ ...bound(real), acquire: (key, options) => real.acquire(key, { ...options, ttlMs: 1e9 }) }),
  },
  'frees the turn of another': {
    caughtBy: 'release is idempotent and never ends the turn of a later holder',
    wrap: (real, { rows }) =>
      onTurn((turn) => ({
        async release() {
          const row = rows.get(turn.key);
          if (row) row.expiresAt = 0;
        },
      }))(real, { rows, skewed: 0, clock: { now: () => 0 } }),
  },
  'believes the clock of the caller': {
    caughtBy: 'a holder with a clock that is an hour wrong neither steals nor overstays',
    wrap: (real, tools) => ({
      ...bound(real),
      async acquire(key, options) {
        const row = tools.rows.get(key);
        if (row && row.expiresAt <= tools.clock.now() + tools.skewed) row.expiresAt = 0;
        return real.acquire(key, options);
      },
    }),
  },
  'writes for whoever comes': {
    caughtBy: 'a late write of a former holder is refused, whenever it comes',
    unguarded: true,
  },
  'folds keys': {
    caughtBy: 'keys are told apart exactly, with every trap that a text can hold',
    wrap: (real) => ({ ...bound(real), acquire: (key, options) => real.acquire(key.normalize('NFC').trim(), options) }),
  },
  'takes any key': {
    caughtBy: 'a key that cannot be stored is refused with GENIE_LEASE_KEY',
    wrap: (real) => ({ ...bound(real), acquire: (key, options) => real.acquire(key || 'empty', options) }),
  },
  'does not look at the signal': {
    caughtBy: 'an aborted acquire takes nothing',
    wrap: (real) => ({ ...bound(real), acquire: (key, { ttlMs }) => real.acquire(key, { ttlMs }) }),
  },
};

function createSetup({
  wrap,
  unguarded = false,
}: Partial<Mutant>): () => Promise<{ setup: LeaseSetup; capabilities: Set<string> }> {
  return async () => {
    const clock = fixedClock(1_000_000_000);
    const rows: LeaseRows = new Map();
    const written: string[] = [];
    const open = (skewed = 0): Leases => {
      const real = createMemoryLeases({ clock, rows });
      return wrap ? wrap(real, { rows, skewed, clock }) : real;
    };
    return {
      setup: {
        leases: open(),
        passTime: async (ms) => clock.advance(ms),
        another: async ({ clockAheadMs = 0 } = {}) => open(clockAheadMs),
        async guardedWrite(lease, value) {
          const isOld = rows.get(lease.key)?.generation !== lease.generation;
          if (isOld && !unguarded) throw new GenieError('GENIE_LEASE_LOST', 'late');
          written.push(value);
        },
        written: async () => written,
      },
      capabilities: new Set(['fencing']),
    };
  };
}

describe('leaseSuite', () => {
  it('is passed by what keeps the promises', async () => {
    const report = await runConformance(leaseSuite, createSetup({}));
    expect(report.results.filter((result) => result.status !== 'passed')).toEqual([]);
  });

  it.each(Object.entries(mutants))('catches leases that: %s', async (_what, mutant) => {
    const report = await runConformance(leaseSuite, createSetup(mutant), { timeoutMs: 3_000 });
    const failed = report.results.filter((result) => result.status === 'failed').map((result) => result.name);
    expect(failed).toContain(mutant.caughtBy);
  });

  it('has a mutant for every case', () => {
    const caught = new Set(Object.values(mutants).map((mutant) => mutant.caughtBy));
    expect(leaseSuite.cases.map((one) => one.name).filter((name) => !caught.has(name))).toEqual([]);
  });
});
