import type { KpiStatus } from '@genie/core/ports';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statusOf } from './kpi-definition.ts';
import { type JudgedReading, judge, toReport } from './outcome.ts';
import type { NoDataKind } from './store/observation.ts';
import { createTestRun } from './testing/test-run.ts';

const base = { kpiId: 'a', name: 'A', unit: 'x', target: 1, direction: 'up' as const, source: 's' };
const status = fc.constantFrom<KpiStatus>('met', 'warning', 'missed');
const reading: fc.Arbitrary<JudgedReading> = fc
  .oneof(
    fc.record({
      status,
      grade: fc.constantFrom('measured' as const, 'estimated' as const, 'unverified' as const),
      value: fc.nat(),
    }),
    fc
      .record({ noData: fc.constantFrom<NoDataKind>('failed', 'pending', 'not-applicable') })
      .map((one) => ({ ...one, status: 'no-data' as const, grade: 'unverified' as const })),
  )
  .map((one) => ({ ...base, ...one }));
const readings = fc.array(reading, { maxLength: 6 });

describe('judge', () => {
  it('is green only when something was measured, all of it met, and no probe failed', () => {
    fc.assert(
      fc.property(readings, (list) => {
        const measured = list.filter((one) => one.grade === 'measured' && one.value !== undefined);
        const green =
          measured.length > 0 &&
          measured.every((one) => one.status === 'met') &&
          !list.some((one) => one.noData === 'failed');
        expect(judge(list) === 'achieved').toBe(green);
      }),
    );
  });

  it('listens to no claim, estimate or own word', () => {
    fc.assert(
      fc.property(readings, fc.constantFrom('achieved' as const, 'none' as const), (list, claim) => {
        const facts = list.filter((one) => one.grade === 'measured' || one.value === undefined);
        expect(judge(list)).toBe(judge(facts));
        expect(toReport(createTestRun({ claim }), list, new Map()).outcome).toBe(judge(list));
      }),
    );
  });

  it('never gets better when a reading gets worse', () => {
    const rank = { unverified: 0, 'not-achieved': 1, partly: 2, achieved: 3 };
    fc.assert(
      fc.property(fc.array(status, { minLength: 1, maxLength: 6 }), fc.nat(), (list, at) => {
        const make = (one: KpiStatus): JudgedReading => ({ ...base, status: one, grade: 'measured', value: 1 });
        const worse = list.map((one, index) => (index === at % list.length ? 'missed' : one));
        expect(rank[judge(worse.map(make))]).toBeLessThanOrEqual(rank[judge(list.map(make))]);
      }),
    );
  });
});

describe('statusOf', () => {
  const number = fc.integer({ min: -100, max: 100 });

  it('mirrors for KPIs that should be low, and never gets better with a worse value', () => {
    const rank = { missed: 0, warning: 1, met: 2, 'no-data': 3 };
    fc.assert(
      fc.property(
        number,
        number,
        fc.nat({ max: 50 }),
        fc.nat({ max: 50 }),
        fc.nat({ max: 50 }),
        (target, value, warning, failure, drop) => {
          const up = {
            direction: 'up' as const,
            target,
            warning: target - warning,
            failure: target - warning - failure,
          };
          const down = { direction: 'down' as const, target: -up.target, warning: -up.warning, failure: -up.failure };
          expect(statusOf(up, value)).toBe(statusOf(down, -value));
          expect(rank[statusOf(up, value - drop)]).toBeLessThanOrEqual(rank[statusOf(up, value)]);
          expect(statusOf(up, target)).toBe('met');
        },
      ),
    );
  });

  it('uses the thresholds that are there', () => {
    const kpi = { direction: 'up' as const, target: 100 };
    expect([statusOf(kpi, 99), statusOf({ ...kpi, warning: 90 }, 95), statusOf({ ...kpi, warning: 90 }, 89)]).toEqual([
      'missed',
      'warning',
      'missed',
    ]);
    expect([statusOf({ ...kpi, failure: 50 }, 51), statusOf({ ...kpi, failure: 50 }, 50)]).toEqual([
      'warning',
      'missed',
    ]);
  });
});
