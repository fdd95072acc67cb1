import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findChangePoints } from './change-point.ts';
import { findControlLimits } from './control-limits.ts';
import { cliffsDelta, pairedEffect } from './effect.ts';
import { mean, median, medianDeviation, normalTail, quantile, seededRandom } from './robust.ts';
import { chiSquareTail, findSeason, rank } from './season.ts';
import { findTrend } from './trend.ts';

const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const dayMs = 86_400_000;

function normal(seed: number): () => number {
  const random = seededRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A daily series with noise of 1, a weekday season, gaps, and a step. */
function series(seed: number, options: { readonly shift: number; readonly at: number; readonly days?: number }) {
  const noise = normal(seed);
  const random = seededRandom(seed + 1);
  const season = Array.from({ length: 7 }, () => 2 * (2 * random() - 1));
  const values: number[] = [];
  const groups: number[] = [];
  let index = -1;
  for (let day = 0; day < (options.days ?? 120); day += 1) {
    if (random() < 0.1) continue;
    if (day >= options.at && index < 0) index = values.length;
    values.push(10 + noise() + (season[day % 7] ?? 0) + (day >= options.at ? options.shift : 0));
    groups.push(day % 7);
  }
  return { values, groups, index };
}

describe('robust', () => {
  it('gives medians and quantiles between the values', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1])).toBe(2.5);
    expect(quantile([1, 2, 3, 4, 5], 0.9)).toBeCloseTo(4.6);
    fc.assert(
      fc.property(fc.array(number, { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const found = quantile(values, share);
        expect(found).toBeGreaterThanOrEqual(Math.min(...values));
        expect(found).toBeLessThanOrEqual(Math.max(...values));
      }),
    );
  });

  it('estimates the deviation of noise with a third of outliers', () => {
    const noise = normal(1);
    const values = Array.from({ length: 900 }, (_, index) => (index % 10 === 0 ? 1000 : noise()));
    expect(medianDeviation(values)).toBeGreaterThan(0.8);
    expect(medianDeviation(values)).toBeLessThan(1.4);
  });

  it('knows the tails of the normal and chi-square distributions', () => {
    expect(normalTail(1.959964)).toBeCloseTo(0.025, 6);
    expect(normalTail(-1)).toBeCloseTo(0.841345, 5);
    for (const [statistic, degrees, tail] of [
      [3.841459, 1, 0.05],
      [12.591587, 6, 0.05],
      [18.475, 7, 0.01],
      [5.991465, 2, 0.05],
    ] as const) {
      expect(chiSquareTail(statistic, degrees)).toBeCloseTo(tail, 4);
    }
  });
});

describe('findTrend', () => {
  it('finds a slope in noise with outliers and gaps, and its interval holds it', () => {
    let inside = 0;
    for (let seed = 0; seed < 40; seed += 1) {
      const noise = normal(seed);
      const points = Array.from({ length: 60 }, (_, day) => ({
        at: day * dayMs,
        value: 0.2 * day + noise() + (day % 15 === 0 ? 40 : 0),
      })).filter((_point, day) => day % 6 !== 5);
      const trend = findTrend(points)!;
      expect(trend.slopePerDay).toBeCloseTo(0.2, 1);
      expect(trend.pValue).toBeLessThan(1e-6);
      if (trend.low <= 0.2 && trend.high >= 0.2) inside += 1;
    }
    expect(inside).toBeGreaterThanOrEqual(36);
  });

  it('finds none in noise, and says nothing about few values', () => {
    let found = 0;
    for (let seed = 0; seed < 200; seed += 1) {
      const noise = normal(seed);
      const trend = findTrend(Array.from({ length: 40 }, (_, day) => ({ at: day * dayMs, value: noise() })));
      if (trend!.pValue < 0.01) found += 1;
    }
    expect(found).toBeLessThanOrEqual(6);
    expect(findTrend([{ at: 0, value: 1 }])).toBeUndefined();
  });
});

describe('findChangePoints', () => {
  it('finds 95 % of shifts from 2.5 sigma within 3 observations, with season and gaps', () => {
    let found = 0;
    for (let seed = 0; seed < 200; seed += 1) {
      const shift = (2.5 + 2 * seededRandom(seed)()) * (seed % 2 === 0 ? 1 : -1);
      const { values, groups, index } = series(seed * 7 + 1, { shift, at: 30 + (seed % 60) });
      const { changes } = findChangePoints(values, groups);
      if (changes.some((change) => Math.abs(change.index - index) <= 3)) found += 1;
    }
    expect(found).toBeGreaterThanOrEqual(190);
  });

  it('raises at most one false alarm in 200 quiet series', () => {
    let alarms = 0;
    for (let seed = 0; seed < 200; seed += 1) {
      const { values, groups } = series(seed * 13 + 5, { shift: 0, at: 0 });
      if (findChangePoints(values, groups).changes.length > 0) alarms += 1;
    }
    expect(alarms).toBeLessThanOrEqual(1);
  });

  it('finds two shifts and says how large they are', () => {
    const noise = normal(3);
    const values = Array.from({ length: 90 }, (_, index) => noise() + (index < 30 ? 0 : index < 60 ? 6 : -2));
    const { changes } = findChangePoints(values);
    expect(changes.map((change) => Math.round(change.index / 10) * 10)).toEqual([30, 60]);
    expect(changes[0]!.after - changes[0]!.before).toBeCloseTo(6, 0);
  });

  it('finds steps without any noise, and none in constants and short series', () => {
    expect(
      findChangePoints([...new Array(10).fill(1), ...new Array(10).fill(2)]).changes.map((one) => one.index),
    ).toEqual([10]);
    expect(findChangePoints(new Array(50).fill(3)).changes).toEqual([]);
    expect(findChangePoints([1, 5, 1]).changes).toEqual([]);
  });

  it('never throws, and cuts lie inside', () => {
    fc.assert(
      fc.property(fc.array(number, { maxLength: 60 }), (values) => {
        const { changes } = findChangePoints(
          values,
          values.map((_value, index) => index % 7),
        );
        for (const { index } of changes) expect(index > 0 && index < values.length).toBe(true);
      }),
    );
  });
});

describe('findSeason', () => {
  it('finds weekdays that differ, and none where they do not', () => {
    const noise = normal(5);
    const groups = Array.from({ length: 140 }, (_, day) => day % 7);
    const season = findSeason(
      groups.map((day) => noise() + (day === 6 ? 5 : 0)),
      groups,
    )!;
    expect(season.pValue).toBeLessThan(1e-6);
    expect(season.effects.get(6)).toBeCloseTo(4.3, 0);
    expect(
      findSeason(
        groups.map(() => noise()),
        groups,
      )!.pValue,
    ).toBeGreaterThan(0.01);
  });

  it('gives ties their mean rank', () => {
    expect(rank([10, 20, 10, 30])).toEqual([1.5, 3, 1.5, 4]);
  });
});

describe('findControlLimits', () => {
  it('marks values outside the usual range', () => {
    const noise = normal(8);
    const values = Array.from({ length: 40 }, (_, index) => noise() + (index === 20 ? 12 : 0));
    expect(findControlLimits(values)?.outside).toContain(20);
    expect(findControlLimits(new Array(20).fill(1))).toBeUndefined();
  });
});

describe('pairedEffect', () => {
  it('covers the true shift 95 % of the time, and knows when it cannot', () => {
    let inside = 0;
    for (let seed = 0; seed < 200; seed += 1) {
      const noise = normal(seed);
      const effect = pairedEffect(Array.from({ length: 12 }, () => [10 + noise(), 12 + noise()] as const))!;
      if (effect.low <= 2 && effect.high >= 2) inside += 1;
    }
    expect(inside).toBeGreaterThanOrEqual(185);
    expect(
      pairedEffect([
        [1, 2],
        [1, 2],
        [1, 3],
      ]),
    ).toMatchObject({ confidence: 0.75, low: 1, high: 2, delta: 1 });
    expect(pairedEffect([[1, 2]])).toBeUndefined();
  });

  it('turns around with its samples', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number), { minLength: 2, maxLength: 12 }), (pairs) => {
        const effect = pairedEffect(pairs)!;
        const turned = pairedEffect(pairs.map(([left, right]) => [right, left] as const))!;
        expect(turned.shift).toBeCloseTo(-effect.shift, 3);
        expect(effect.low).toBeLessThanOrEqual(effect.shift);
        expect(effect.high).toBeGreaterThanOrEqual(effect.shift);
      }),
    );
    expect(cliffsDelta([1, 2], [3, 4])).toBe(1);
    expect(mean([1, 3])).toBe(2);
  });
});
