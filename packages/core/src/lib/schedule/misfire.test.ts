import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideWakes, type MisfireRules } from './misfire.ts';

const rules = (changes: Partial<MisfireRules> = {}): MisfireRules => ({
  misfire: 'once',
  latenessLimitMs: 100,
  graceMs: 10,
  maxCatchUp: 3,
  ...changes,
});
const actions = (dueTimes: number[], now: number, changes?: Partial<MisfireRules>): string[] =>
  decideWakes(dueTimes, now, rules(changes)).map((one) => one.action);

describe('decideWakes', () => {
  it('only the newest wake can be on time', () => {
    expect(actions([], 1_000)).toEqual([]);
    expect(actions([1_000], 1_010)).toEqual(['fire']);
    expect(actions([1_000], 1_011, { misfire: 'skip' })).toEqual(['skipped']);
    expect(actions([995, 1_000], 1_001, { misfire: 'skip' })).toEqual(['skipped', 'fire']);
  });

  it('skip makes up for nothing', () => {
    expect(actions([900, 950], 1_000, { misfire: 'skip' })).toEqual(['skipped', 'skipped']);
  });

  it('once makes up with the newest, unless one is on time or all are too late', () => {
    expect(actions([920, 950], 1_000)).toEqual(['skipped', 'run']);
    expect(actions([920, 995], 1_000)).toEqual(['skipped', 'fire']);
    expect(actions([800, 899], 1_000)).toEqual(['skipped', 'skipped']);
    expect(actions([900], 1_000)).toEqual(['run']);
  });

  it('all makes up in order, within the limit of lateness and number', () => {
    const all = { misfire: 'all' } as const;
    expect(actions([850, 920, 950, 995], 1_000, all)).toEqual(['skipped', 'run', 'run', 'fire']);
    expect(actions([910, 920, 930, 940], 1_000, all)).toEqual(['skipped', 'run', 'run', 'run']);
    expect(actions([910, 920], 1_000, { ...all, maxCatchUp: 0 })).toEqual(['skipped', 'skipped']);
  });

  it('decides every wake exactly once, in order, within all limits', () => {
    const property = fc.property(
      fc.uniqueArray(fc.nat(1_000), { maxLength: 30 }),
      fc.nat(200),
      fc.record({
        misfire: fc.constantFrom('skip', 'once', 'all'),
        latenessLimitMs: fc.nat(500),
        graceMs: fc.nat(50),
        maxCatchUp: fc.nat(5),
      }),
      (unsorted, extra, policy) => {
        const dueTimes = unsorted.sort((left, right) => left - right);
        const now = (dueTimes.at(-1) ?? 0) + extra;
        const decisions = decideWakes(dueTimes, now, policy);
        expect(decisions.map((one) => one.dueAt)).toEqual(dueTimes);
        const fired = decisions.filter((one) => one.action === 'fire');
        const madeUp = decisions.filter((one) => one.action === 'run');
        expect(fired.length).toBe(dueTimes.length > 0 && extra <= policy.graceMs ? 1 : 0);
        for (const one of madeUp) expect(one.lateMs).toBeLessThanOrEqual(policy.latenessLimitMs);
        const allowed = { skip: 0, once: 1 - fired.length, all: policy.maxCatchUp }[policy.misfire];
        expect(madeUp.length).toBeLessThanOrEqual(allowed);
        // Nothing that could have been made up for is left out while an older one is not.
        const candidates = decisions.filter((one) => one.action !== 'fire' && one.lateMs <= policy.latenessLimitMs);
        expect(madeUp.map((one) => one.dueAt)).toEqual(
          candidates.slice(Math.max(0, candidates.length - allowed)).map((one) => one.dueAt),
        );
      },
    );
    fc.assert(property);
  });
});
