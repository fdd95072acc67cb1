import { describe, expect, it } from 'vitest';
import { createTimeLimit, TookTooLong } from './time-limit.ts';

describe('createTimeLimit', () => {
  it('breaks work off that no timer could end, and is used again afterwards', () => {
    const limit = createTimeLimit();
    const start = performance.now();
    expect(() => limit.run(30, () => /^(a+)+$/.test(`${'a'.repeat(60)}b`))).toThrow(TookTooLong);
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(limit.run(1_000, () => 7)).toBe(7);
    expect(() =>
      limit.run(1_000, () => {
        throw new TypeError('its own');
      }),
    ).toThrow(new TypeError('its own'));
  });
});
