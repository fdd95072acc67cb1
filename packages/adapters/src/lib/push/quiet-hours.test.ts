import { describe, expect, it } from 'vitest';
import { createQuietClock } from './quiet-hours.ts';

const hour = 3_600_000;
const wait = (hours: { from: string; to: string; timeZone: string }, at: string) =>
  createQuietClock(hours)(Date.parse(at)) / hour;

describe('createQuietClock', () => {
  it.each([
    ['2026-01-01T23:00:00Z', 8],
    ['2026-01-01T06:30:00Z', 0.5],
    ['2026-01-01T07:00:00Z', 0],
    ['2026-01-01T21:59:59Z', 0],
    ['2026-01-01T22:00:00Z', 9],
  ])('over midnight at %s waits %d hours', (at, hours) => {
    expect(wait({ from: '22:00', to: '07:00', timeZone: 'UTC' }, at)).toBe(hours);
  });

  it('knows hours of a day, and none when both ends meet', () => {
    expect(wait({ from: '12:00', to: '14:00', timeZone: 'UTC' }, '2026-01-01T13:00:00Z')).toBe(1);
    expect(wait({ from: '12:00', to: '14:00', timeZone: 'UTC' }, '2026-01-01T15:00:00Z')).toBe(0);
    expect(wait({ from: '12:00', to: '12:00', timeZone: 'UTC' }, '2026-01-01T12:00:00Z')).toBe(0);
  });

  it('ends at the local hour also in the nights when the clock is changed', () => {
    const vienna = { from: '22:00', to: '07:00', timeZone: 'Europe/Vienna' };
    // 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00.
    expect(wait(vienna, '2026-03-28T22:00:00Z')).toBe(7);
    expect(wait(vienna, '2026-10-24T21:00:00Z')).toBe(9);
  });

  it('counts seconds', () => {
    expect(
      createQuietClock({ from: '22:00', to: '07:00', timeZone: 'UTC' })(Date.parse('2026-01-01T06:59:59.250Z')),
    ).toBe(750);
  });
});
