import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recommendSchedule } from './recommend.ts';
import { parseSchedule } from './schedule.ts';
import type { WakeObservation } from './wake-statistics.ts';
import { spread } from './weekly-plan.ts';

const hourMs = 60 * 60 * 1000;
const dayMs = 24 * hourMs;
const monday = Date.UTC(2026, 0, 5);

/** What a schedule would have seen over so many days. */
function history(
  cron: string,
  timezone: string,
  days: number,
  itemsAt: (at: Date, index: number) => number,
  costUsd?: number,
): WakeObservation[] {
  const times = parseSchedule({ cron, timezone }).between(monday - 1, monday + days * dayMs, 50_000);
  return times.map((at, index) => {
    const items = itemsAt(new Date(at), index);
    return { at, woke: items > 0, items, ...(costUsd === undefined ? {} : { costUsd }) };
  });
}

describe('recommendSchedule', () => {
  it('leaves out the hours and weekdays that never bring anything, and says what that saves', () => {
    const isOffice = (at: Date): boolean =>
      at.getUTCDay() > 0 && at.getUTCDay() < 6 && at.getUTCHours() >= 7 && at.getUTCHours() <= 9;
    const wakes = history('0 * * * *', 'UTC', 28, (at) => (isOffice(at) ? 2 : 0), 0.01);
    expect(recommendSchedule({ wakes, current: { cron: '0 * * * *' } })).toEqual({
      kind: 'fewer-times',
      cron: '0 7-9 * * 1-5',
      timezone: 'UTC',
      reason:
        '60 of 673 wakes found something, nearly always at 07:00, 08:00, 09:00 on Monday to Friday. ' +
        'Waking at 07:00, 08:00, 09:00 on Monday to Friday (UTC) makes 15 instead of 168 wakes a week ' +
        'and saves about 1.53 USD a week.',
      wakesPerWeek: { now: 168, proposed: 15 },
      savings: { wakesPerWeek: 153, usdPerWeek: expect.closeTo(1.53, 10) },
      longestDelayMs: 0,
    });
  });

  it('counts hours in the zone of the schedule', () => {
    const wakes = history('0 * * * *', 'Asia/Kolkata', 28, (at) =>
      at.toISOString().slice(11, 16) === '03:30' ? 1 : 0,
    );
    const recommended = recommendSchedule({ wakes, current: { cron: '0 * * * *', timezone: 'Asia/Kolkata' } });
    expect([recommended?.cron, recommended?.timezone]).toEqual(['0 9 * * *', 'Asia/Kolkata']);
  });

  it('thins out when little is found at no particular time', () => {
    const wakes = history('*/30 * * * *', 'UTC', 28, (_at, index) => (index % 13 === 0 ? 1 : 0));
    const recommended = recommendSchedule({ wakes, current: { cron: '*/30 * * * *' } });
    expect(recommended).toMatchObject({ kind: 'less-often', wakesPerWeek: { now: 336, proposed: 49 } });
    expect(recommended?.cron).toBe('0 0,4,7,11,14,18,21 * * *');
    expect(recommended?.reason).toMatch(/^Only 104 of 1345 wakes found something, at no particular time\./);
    expect(recommended?.longestDelayMs).toBeLessThanOrEqual(4 * hourMs);
  });

  it('looks once a day when nothing was ever found', () => {
    const wakes = history('*/15 6-20 * * *', 'UTC', 14, () => 0);
    expect(recommendSchedule({ wakes, current: { cron: '*/15 6-20 * * *' } })).toMatchObject({
      kind: 'less-often',
      cron: '0 6 * * *',
      wakesPerWeek: { now: 420, proposed: 7 },
    });
  });

  it('adds wakes when nearly every wake finds a lot, and says what that costs', () => {
    const wakes = history('0 8,20 * * *', 'UTC', 14, () => 5, 0.1);
    const recommended = recommendSchedule({ wakes, current: { cron: '0 8,20 * * *' } });
    expect(recommended).toMatchObject({
      kind: 'more-often',
      cron: '0 8,14,20 * * *',
      savings: { wakesPerWeek: -7, usdPerWeek: expect.closeTo(-0.7, 10) },
    });
    expect(recommended?.reason).toContain('costs about 0.70 USD a week');
    const daily = history('0 7 * * *', 'UTC', 14, () => 5);
    expect(recommendSchedule({ wakes: daily, current: { cron: '0 7 * * *' } })?.cron).toBe('0 7,13 * * *');
  });

  it.each<[string, WakeObservation[], string]>([
    ['no history', [], '0 * * * *'],
    ['too short a history', history('0 * * * *', 'UTC', 6, () => 0), '0 * * * *'],
    ['too few wakes', history('0 7 * * 1', 'UTC', 56, () => 0), '0 7 * * 1'],
    ['a schedule that fits', history('0 7 * * *', 'UTC', 28, (_at, index) => index % 2), '0 7 * * *'],
    ['a schedule that is rare already', history('0 7 * * *', 'UTC', 28, () => 0), '0 7 1 * *'],
    ['broken numbers', [{ at: Number.NaN, woke: true, items: 1 }], '0 * * * *'],
  ])('has nothing to say about %s', (_what, wakes, cron) => {
    expect(recommendSchedule({ wakes, current: { cron } })).toBeUndefined();
  });

  it('judges by the last eight weeks', () => {
    const old = history('0 * * * *', 'UTC', 28, () => 5).map((wake) => ({ ...wake, at: wake.at - 100 * dayMs }));
    const recent = history('0 * * * *', 'UTC', 28, () => 0);
    expect(recommendSchedule({ wakes: [...old, ...recent], current: { cron: '0 * * * *' } })).toMatchObject({
      cron: '0 0 * * *',
    });
  });

  it('whatever the history: a schedule that can be read, arithmetic that adds up, delays that hold on a replay', () => {
    const crons = ['0 * * * *', '*/20 8-18 * * 1-5', '15 6,12,18 * * *', '0 7 * * *', '0 9 * * 1,3,5', '0 0 */3 * *'];
    const property = fc.property(
      fc.constantFrom(...crons),
      fc.constantFrom('UTC', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'),
      fc.integer({ min: 3, max: 21 }),
      fc.array(fc.nat(6), { minLength: 1, maxLength: 50 }),
      fc.nat(100),
      fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
      (cron, timezone, days, items, rarity, costUsd) => {
        const found = (_at: Date, index: number): number =>
          index % (rarity + 1) === 0 ? (items[index % items.length] ?? 0) : 0;
        const wakes = history(cron, timezone, days, found, costUsd);
        const current = { cron, timezone };
        const recommended = recommendSchedule({ wakes, current });
        expect(recommendSchedule({ wakes: [...wakes].reverse(), current })).toEqual(recommended);
        if (!recommended) return;
        const proposed = parseSchedule({ cron: recommended.cron, timezone: recommended.timezone });
        const newest = Math.max(...wakes.map((wake) => wake.at));
        const perWeek = (schedule: typeof proposed): number =>
          schedule.between(newest, newest + 7 * dayMs, 20_000).length;
        const { now, proposed: planned } = recommended.wakesPerWeek;
        expect([now, planned]).toEqual([perWeek(parseSchedule(current)), perWeek(proposed)]);
        expect(recommended.savings.wakesPerWeek).toBe(now - planned);
        expect(recommended.savings.usdPerWeek === undefined).toBe(costUsd === undefined);
        if (recommended.kind === 'more-often') {
          expect(planned).toBeGreaterThan(now);
          expect(planned).toBeLessThanOrEqual(2 * now + 1);
        } else {
          expect(planned).toBeGreaterThan(0);
          expect(now - planned).toBeGreaterThanOrEqual(0.2 * now);
        }
        for (const { at } of wakes.filter((wake) => wake.items > 0)) {
          expect((proposed.next(at - 1) ?? Number.NaN) - at).toBeLessThanOrEqual(recommended.longestDelayMs);
        }
        expect(recommended.reason).toContain(`makes ${planned} instead of ${now} wakes a week`);
      },
    );
    fc.assert(property, { numRuns: 30 });
  });
});

describe('spread', () => {
  it('gives exactly so many, evenly apart, the first included', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 24 }), (length, count) => {
        fc.pre(count <= length);
        const chosen = spread(
          Array.from({ length }, (_, index) => index),
          count,
        );
        expect([chosen.length, chosen[0]]).toEqual([count, 0]);
        const gaps = [...chosen, length].slice(1).map((value, index) => value - (chosen[index] ?? 0));
        expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
