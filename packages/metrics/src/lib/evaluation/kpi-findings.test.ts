import type { KpiDefinition } from '@genie/core/ports';
import { expect, it } from 'vitest';
import { openMetrics } from '../open-metrics.ts';
import { createMemoryStore } from '../store/memory-store.ts';

const dayMs = 86_400_000;

it('holds a sum over a week against the target of a week, not the values of single runs', async () => {
  let now = Date.UTC(2026, 2, 2, 6);
  const metrics = openMetrics({ store: createMemoryStore(), timeZone: 'UTC', clock: { now: () => now } });
  const base = { unit: 'listings', direction: 'up' as const, probe: { kind: 'run-field', field: 'items' } };
  const kpis: readonly KpiDefinition[] = [
    { ...base, id: 'week', name: 'Weekly', target: 10, cadence: 'week', aggregation: 'sum' },
    { ...base, id: 'run', name: 'Single', target: 10 },
  ];
  await metrics.define(kpis);
  for (let day = 0; day < 14; day += 1) {
    for (const { id } of kpis) await metrics.observe({ kpiId: id, value: 2, source: 'test', evidence: day });
    now += dayMs;
  }
  const levels = (await metrics.evaluate()).findings.filter(({ kind }) => kind === 'level');
  expect(levels.map(({ tone, statement }) => [tone, statement])).toEqual([
    ['good', 'Weekly: median 14 listings against a target of 10; 8 of 8 days at target.'],
    ['bad', 'Single: median 2 listings against a target of 10; 0 of 14 at target.'],
  ]);
  await metrics.close();
});
