import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, suggest } from './suggest.ts';

describe('suggest', () => {
  it.each([
    ['rnu', 'run'],
    ['aprove', 'approve'],
    ['comp', 'completion'],
    ['metrix', 'metrics'],
  ])('takes %s for %s', (typed, meant) => {
    expect(suggest(typed, ['run', 'resume', 'approve', 'completion', 'metrics', 'memory'])).toBe(meant);
  });

  it('suggests nothing that is far away', () => {
    expect(suggest('zebra', ['run', 'resume', 'approve'])).toBeUndefined();
    expect(suggest('', ['run'])).toBeUndefined();
  });
});

describe('editDistance', () => {
  it('counts inserts, deletes, replacements and swaps of neighbours', () => {
    expect(editDistance('', 'abc')).toBe(3);
    expect(editDistance('abc', 'abc')).toBe(0);
    expect(editDistance('abc', 'acb')).toBe(1);
    expect(editDistance('kitten', 'sitting')).toBe(3);
  });

  it('is the same in both directions, zero only for equal texts, and never more than the longer text', () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (left, right) => {
        const distance = editDistance(left, right);
        expect(distance).toBe(editDistance(right, left));
        expect(distance === 0).toBe(left === right);
        expect(distance).toBeLessThanOrEqual(Math.max(left.length, right.length));
      }),
    );
  });
});
