import type { KpiDefinition } from '@genie/core/ports';
import { daysOf, isCumulative, looksBack } from '../current-value.ts';
import { toSeries } from '../series.ts';
import { type DayRollup, mergeRollups, rollupOf } from '../store/day-rollup.ts';
import type { Observation } from '../store/observation.ts';

/**
 * The values that are held against the target: each observation for a KPI of the run, else one for each of the user's days by the KPI's
 * aggregation over its cadence. Spans that began before the observations say nothing about a count or a sum, and are left out.
 */
export function judgedValues(kpi: KpiDefinition, own: readonly Observation[]): readonly number[] {
  if (!looksBack(kpi.cadence)) return own.flatMap((one) => (one.value === undefined ? [] : [one.value]));
  const days = new Map<number, DayRollup>();
  for (const one of own) {
    const rollup = rollupOf(one);
    const known = days.get(rollup.day);
    days.set(rollup.day, known === undefined ? rollup : mergeRollups(known, rollup));
  }
  const rollups = [...days.values()].sort((left, right) => left.day - right.day);
  const firstDay = rollups[0]?.day ?? 0;
  const { points } = toSeries(kpi, rollups, isCumulative(kpi) ? firstDay + daysOf(kpi.cadence) - 1 : firstDay);
  return points.flatMap(({ value }) => (value === undefined ? [] : [value]));
}
