import type { KpiDefinition } from '@genie/core/ports';
import { describe, expect, it } from 'vitest';
import { createOffsetAt } from './local-time.ts';
import { openMetrics } from './open-metrics.ts';
import { createMemoryStore } from './store/memory-store.ts';
import { dateToDay, dayToDate, localDay } from './store/observation.ts';
import { createTestRun } from './testing/test-run.ts';

const hourMs = 3_600_000;
const kpi: KpiDefinition = {
  id: 'items',
  name: 'Items',
  unit: 'x',
  direction: 'up',
  target: 1,
  aggregation: 'sum',
  cadence: 'day',
  probe: { kind: 'run-field', field: 'items' },
};

describe('createOffsetAt', () => {
  it('follows daylight saving to the hour, also in odd zones', () => {
    const berlin = createOffsetAt('Europe/Berlin');
    expect([berlin(Date.UTC(2026, 2, 29, 0, 59)), berlin(Date.UTC(2026, 2, 29, 1, 0))]).toEqual([60, 120]);
    expect([berlin(Date.UTC(2026, 9, 25, 0, 59)), berlin(Date.UTC(2026, 9, 25, 1, 0))]).toEqual([120, 60]);
    expect(createOffsetAt('Asia/Kathmandu')(0)).toBe(330);
    expect(createOffsetAt('Asia/Kathmandu')(Date.UTC(2026, 0, 1))).toBe(345);
    expect(createOffsetAt('America/St_Johns')(Date.UTC(2026, 0, 1))).toBe(-210);
  });

  it('refuses a zone that is none, when metrics are opened', () => {
    expect(() => openMetrics({ store: createMemoryStore(), timeZone: 'Mars/Olympus' })).toThrow(
      expect.objectContaining({ code: 'GENIE_METRICS_OPTIONS' }),
    );
  });
});

describe('days', () => {
  it('have 23 and 25 hours when the clocks change, and lose no observation', async () => {
    for (const [date, hours] of [
      ['2026-03-29', 23],
      ['2026-10-25', 25],
    ] as const) {
      let now = Date.parse(`${date}T00:00:00Z`);
      const metrics = openMetrics({ store: createMemoryStore(), timeZone: 'Europe/Berlin', clock: { now: () => now } });
      await metrics.define([kpi]);
      for (let hour = -30; hour < 60; hour += 1) {
        await metrics.observe({ kpiId: 'items', value: 1, at: now + hour * hourMs, source: 'test', evidence: hour });
      }
      now += 60 * hourMs;
      const points = (await metrics.series('items')).points;
      expect(points.find((point) => point.date === date)?.value).toBe(hours);
      expect(points.reduce((sum, point) => sum + (point.value ?? 0), 0)).toBe(90);
    }
  });

  it('stay what they were when the user moves to another zone', async () => {
    const store = createMemoryStore();
    const at = Date.UTC(2026, 2, 2, 23, 30);
    const clock = { now: () => at };
    const berlin = openMetrics({ store, timeZone: 'Europe/Berlin', clock });
    await berlin.define([kpi]);
    await berlin.observe({ kpiId: 'items', value: 1, source: 'test', evidence: 1 });
    const lisbon = openMetrics({ store, timeZone: 'Europe/Lisbon', clock });
    await lisbon.observe({ kpiId: 'items', value: 2, source: 'test', evidence: 1 });
    expect((await lisbon.series('items')).points.map((point) => [point.date, point.value])).toEqual([
      ['2026-03-02', 2],
      ['2026-03-03', 1],
    ]);
  });

  it('are numbers that turn into dates and back', () => {
    for (const date of ['1970-01-01', '2026-02-28', '2028-02-29']) expect(dayToDate(dateToDay(date))).toBe(date);
    expect(dateToDay('nonsense')).toBeNaN();
    expect(localDay(-1, 0)).toBe(-1);
  });
});

describe('a thousand KPIs', () => {
  it('are defined, measured and shown', async () => {
    const metrics = openMetrics({
      store: createMemoryStore(),
      timeZone: 'UTC',
      clock: { now: () => createTestRun().endedAt },
    });
    await metrics.define(Array.from({ length: 1000 }, (_, index) => ({ ...kpi, id: `kpi-${index}` })));
    const report = await metrics.measure(createTestRun());
    expect(report.readings.filter((one) => one.value === 2)).toHaveLength(1000);
    expect((await metrics.dashboard()).kpis).toHaveLength(1000);
  });
});
