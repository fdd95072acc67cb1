import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunIdFilter } from './run-id-filter.ts';

describe('RunIdFilter', () => {
  it('never forgets an id, also while it grows', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 3_000 }), (ids) => {
        const filter = new RunIdFilter();
        for (const id of ids) filter.add(id);
        expect(ids.filter((id) => !filter.has(id))).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it('rarely claims to know a strange id', () => {
    const filter = new RunIdFilter();
    for (let index = 0; index < 10_000; index += 1) filter.add(`run_${index}`);
    let wrong = 0;
    for (let index = 0; index < 100_000; index += 1) wrong += filter.has(`other_${index}`) ? 1 : 0;
    expect(wrong).toBeLessThan(20);
  });
});
