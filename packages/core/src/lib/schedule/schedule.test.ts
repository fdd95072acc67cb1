import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSchedule, type ScheduleOptions } from './schedule.ts';

const dayMs = 24 * 60 * 60 * 1000;
const zones = ['UTC', 'America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kolkata', 'America/St_Johns'];

function firesAt(options: ScheduleOptions, after: string, count: number): string[] {
  const schedule = parseSchedule(options);
  const found: string[] = [];
  let at = Date.parse(after);
  while (found.length < count) {
    at = schedule.next(at) ?? Number.NaN;
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

describe('parseSchedule', () => {
  it('fills in the defaults', () => {
    const { cron, timezone, misfire, latenessLimitMs } = parseSchedule({ cron: ' 0 7 * * * ' });
    expect({ cron, timezone, misfire, latenessLimitMs }).toEqual({
      cron: '0 7 * * *',
      timezone: 'UTC',
      misfire: 'once',
      latenessLimitMs: dayMs,
    });
  });

  it.each<[string, unknown, RegExp]>([
    ['words', { cron: 'every day' }, /cron "every day" cannot be read .* use e\.g\. "0 7 \* \* 1-5"/],
    ['an hour that does not exist', { cron: '0 24 * * *' }, /Invalid value for hour: 24/],
    ['a date that never comes', { cron: '0 0 30 2 *' }, /names a date that never comes/],
    ['an unknown time zone', { cron: '0 7 * * *', timezone: 'Mars/Base' }, /"Mars\/Base" is no IANA time zone/],
    ['an unknown policy', { cron: '0 7 * * *', misfire: 'twice' }, /misfire: /],
    ['a negative limit', { cron: '0 7 * * *', latenessLimitMs: -1 }, /latenessLimitMs: /],
    ['no pattern', {}, /cron: /],
  ])('refuses %s', (_what, options, message) => {
    expect(() => parseSchedule(options as ScheduleOptions)).toThrow(message);
    expect(() => parseSchedule(options as ScheduleOptions)).toThrow(
      expect.objectContaining({ code: 'GENIE_SCHEDULE_INVALID' }),
    );
  });

  it('in spring a wake whose wall time does not exist comes at the next one that does, once', () => {
    const newYork = { timezone: 'America/New_York' };
    expect(firesAt({ cron: '30 2 * * *', ...newYork }, '2026-03-07T12:00:00Z', 2)).toEqual([
      '2026-03-08T07:00',
      '2026-03-09T06:30',
    ]);
    expect(firesAt({ cron: '0,30 2 * * *', ...newYork }, '2026-03-07T12:00:00Z', 2)).toEqual([
      '2026-03-08T07:00',
      '2026-03-09T06:00',
    ]);
  });

  it('in autumn a wake whose wall time comes twice happens the first time only; intervals go on', () => {
    const newYork = { timezone: 'America/New_York' };
    expect(firesAt({ cron: '30 1 * * *', ...newYork }, '2026-11-01T00:00:00Z', 2)).toEqual([
      '2026-11-01T05:30',
      '2026-11-02T06:30',
    ]);
    expect(firesAt({ cron: '*/30 * * * *', ...newYork }, '2026-11-01T04:59:00Z', 4)).toEqual([
      '2026-11-01T05:00',
      '2026-11-01T05:30',
      '2026-11-01T06:00',
      '2026-11-01T06:30',
    ]);
  });

  it('a daily wake comes exactly once on every local day of the year, in any zone', () => {
    const properties = fc.property(
      fc.constantFrom(...zones),
      fc.nat(23),
      fc.nat(59),
      fc.integer({ min: 2024, max: 2030 }),
      (timezone, hour, minute, year) => {
        const schedule = parseSchedule({ cron: `${minute} ${hour} * * *`, timezone });
        const dayOf = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone });
        const days: string[] = [];
        let at = Date.UTC(year, 0, 2);
        const end = Date.UTC(year + 1, 0, 2);
        for (;;) {
          const next = schedule.next(at);
          if (next === undefined || next > end) break;
          expect(next).toBeGreaterThan(at);
          days.push(dayOf.format(next));
          at = next;
        }
        expect(new Set(days).size).toBe(days.length);
        expect(days.length).toBeGreaterThanOrEqual(364);
        const first = Date.parse(days[0] ?? '');
        days.forEach((day, index) => {
          expect(Date.parse(day)).toBe(first + index * dayMs);
        });
      },
    );
    fc.assert(properties, { numRuns: 12 });
  });

  it('between gives what next gives step by step, newest first to go when there are too many', () => {
    const crons = ['0 7 * * *', '*/15 * * * *', '0,30 1-3 * * *', '0 9 * * 1-5', '*/20 * * * * *', '0 0 1 * *'];
    const property = fc.property(
      fc.constantFrom(...crons),
      fc.constantFrom(...zones),
      fc.date({ min: new Date('2026-02-20'), max: new Date('2026-11-20'), noInvalidDate: true }),
      fc.nat(3 * dayMs),
      fc.integer({ min: 1, max: 200 }),
      (cron, timezone, start, lengthMs, limit) => {
        const schedule = parseSchedule({ cron, timezone });
        const after = start.getTime();
        const until = after + (cron.startsWith('*/20') ? Math.min(lengthMs, 600_000) : lengthMs);
        const expected: number[] = [];
        for (let at = schedule.next(after); at !== undefined && at <= until; at = schedule.next(at)) expected.push(at);
        expect(schedule.between(after, until, limit)).toEqual(expected.slice(-limit));
      },
    );
    fc.assert(property, { numRuns: 150 });
  });
});
