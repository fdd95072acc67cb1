import { describe, expect, it } from 'vitest';
import { chanceOfHigher } from './rank-sum.ts';

/** Counts all orders of the joint sample: slow and obviously right. */
function byCounting(first: readonly number[], second: readonly number[]): number {
  const pool = [...first, ...second].map((_value, index) => index);
  const above = (high: readonly number[]): number => {
    const low = pool.filter((value) => !high.includes(value));
    return low.reduce((sum, left) => sum + high.filter((right) => right > left).length, 0);
  };
  const choose = (from: number, left: number): number[][] =>
    left === 0
      ? [[]]
      : pool.slice(from).flatMap((value) => choose(value + 1, left - 1).map((rest) => [value, ...rest]));
  const seen = first.reduce((sum, left) => sum + second.filter((right) => right > left).length, 0);
  const all = choose(0, second.length);
  return all.filter((high) => above(high) >= seen).length / all.length;
}

describe('chanceOfHigher', () => {
  it.each([
    [
      [1, 2, 3],
      [4, 5],
    ],
    [
      [1, 3, 5, 7],
      [2, 4, 6],
    ],
    [
      [5, 6, 7],
      [1, 2],
    ],
    [
      [1, 4, 2, 8],
      [3, 9, 7, 5],
    ],
  ])('is exact for %j and %j', (first, second) => {
    expect(chanceOfHigher(first, second)).toBeCloseTo(byCounting(first, second), 12);
  });

  it('is 1 of 286 when 3 values all lie above 10 others, and counts ties half', () => {
    expect(chanceOfHigher([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [11, 12, 13])).toBeCloseTo(1 / 286, 12);
    // 2 of 6 pairs, half of each of the four ties: 8 of the 10 orders have as many.
    expect(chanceOfHigher([5, 5], [5, 5, 1])).toBeCloseTo(0.8, 12);
  });
});
