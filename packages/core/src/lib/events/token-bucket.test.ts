import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixedClock } from '../testing/fixed-clock.ts';
import { createTokenBucket } from './token-bucket.ts';

const rates = fc.record({
  burst: fc.integer({ min: 1, max: 20 }),
  refillPerSecond: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 50, noNaN: true })),
});
const pauses = fc.array(fc.nat(3_000), { minLength: 1, maxLength: 120 });

describe('createTokenBucket', () => {
  it('gives the burst at once, then two a second', () => {
    const clock = fixedClock();
    const bucket = createTokenBucket({ burst: 10, refillPerSecond: 2 }, clock);
    expect(Array.from({ length: 12 }, () => bucket.take()).filter(Boolean)).toHaveLength(10);
    expect(bucket.waitMs()).toBe(500);
    clock.advance(499);
    expect(bucket.take()).toBe(false);
    clock.advance(1);
    expect([bucket.take(), bucket.take()]).toEqual([true, false]);
    clock.advance(3_600_000);
    expect(Array.from({ length: 12 }, () => bucket.take()).filter(Boolean)).toHaveLength(10);
  });

  it('lets at most burst + refill through in any span of time', () => {
    fc.assert(
      fc.property(rates, pauses, (rate, waits) => {
        const clock = fixedClock();
        const bucket = createTokenBucket(rate, clock);
        const taken: number[] = [];
        for (const wait of waits) {
          clock.advance(wait % 4 === 0 ? 0 : wait);
          if (bucket.take()) taken.push(clock.elapsed());
        }
        for (let from = 0; from < taken.length; from += 1) {
          for (let to = from; to < taken.length; to += 1) {
            const seconds = ((taken[to] ?? 0) - (taken[from] ?? 0)) / 1000;
            expect(to - from + 1).toBeLessThanOrEqual(rate.burst + rate.refillPerSecond * seconds + 1e-6);
          }
        }
      }),
    );
  });

  it('never refuses who keeps to the refill, and says exactly how long to wait', () => {
    fc.assert(
      fc.property(rates, pauses, (rate, waits) => {
        const clock = fixedClock();
        const bucket = createTokenBucket(rate, clock);
        for (const wait of waits) {
          clock.advance(wait % 50);
          const waitMs = bucket.waitMs();
          if (waitMs === Number.POSITIVE_INFINITY) {
            expect([rate.refillPerSecond, bucket.take()]).toEqual([0, false]);
            return;
          }
          if (waitMs > 1) {
            clock.advance(waitMs - 1);
            expect(bucket.take()).toBe(false);
            clock.advance(1);
          } else clock.advance(waitMs);
          expect(bucket.waitMs()).toBe(0);
          expect(bucket.take()).toBe(true);
        }
      }),
    );
  });

  it('is indifferent to changes of the wall clock', () => {
    const clock = fixedClock();
    const bucket = createTokenBucket({ burst: 1, refillPerSecond: 1 }, clock);
    bucket.take();
    clock.jumpTo(clock.now() + 3_600_000);
    expect(bucket.take()).toBe(false);
    clock.jumpTo(0);
    clock.advance(1_000);
    expect(bucket.take()).toBe(true);
  });

  it.each([0, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a burst of %d', (burst) => {
    expect(() => createTokenBucket({ burst, refillPerSecond: 1 }, fixedClock())).toThrow(/pass a burst from 1/);
  });
});
