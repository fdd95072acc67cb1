import type { KpiDefinition } from '@genie/core/ports';
import { type DayRollup, mergeRollups, percentileOfBins } from './store/day-rollup.ts';
import type { Grade } from './store/observation.ts';

/** How many of the user's days a cadence looks back on, today included. `run` and `hour` look at one day in dashboards. */
export function daysOf(cadence: KpiDefinition['cadence']): number {
  if (cadence === 'week') return 7;
  return cadence === 'month' ? 30 : 1;
}

/** True when a KPI is judged over days and not by the run alone. */
export function looksBack(cadence: KpiDefinition['cadence']): boolean {
  return cadence === 'day' || cadence === 'week' || cadence === 'month';
}

/** One value for a span of days by the KPI's aggregation; undefined when nothing was observed. `dayCount` is the span in days, for `rate`. */
export function aggregate(kpi: KpiDefinition, rollups: readonly DayRollup[], dayCount: number): number | undefined {
  const [first, ...rest] = rollups.filter((one) => one.count > 0);
  if (first === undefined) return undefined;
  const total = rest.reduce(mergeRollups, first);
  const aggregation = kpi.aggregation ?? 'mean';
  switch (aggregation) {
    case 'count':
      return total.count;
    case 'sum':
      return total.sum;
    case 'rate':
      return total.sum / Math.max(1, dayCount);
    case 'ratio':
      return total.weight > 0 ? total.weightedSum / total.weight : undefined;
    case 'percentile':
      return percentileOfBins(total.bins, percentileOf(kpi) / 100);
    case 'mean':
    case 'yes-no':
      return total.sum / total.count;
    default:
      return aggregation satisfies never;
  }
}

/** True when the aggregation grows with time, so that an unfinished span says nothing yet. */
export function isCumulative(kpi: KpiDefinition): boolean {
  return kpi.aggregation === 'count' || kpi.aggregation === 'sum';
}

/** The percentile a KPI asks for in its probe options; 95 when it does not say. */
export function percentileOf(kpi: KpiDefinition): number {
  const { percentile } = kpi.probe;
  return typeof percentile === 'number' ? percentile : 95;
}

/** The grade of a value made of several observations is that of the weakest one. */
export function weakestGrade(rollups: readonly DayRollup[]): Grade {
  if (rollups.some((one) => one.unverified > 0)) return 'unverified';
  return rollups.some((one) => one.estimated > 0) ? 'estimated' : 'measured';
}
