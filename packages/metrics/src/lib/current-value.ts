import type { KpiDefinition } from '@genie/core/ports';
import { type DayRollup, percentileOfBins } from './store/day-rollup.ts';
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
  if (looksBackItself(kpi)) return latestValue(rollups);
  const total = { count: 0, sum: 0, weightedSum: 0, weight: 0 };
  for (const one of rollups) {
    total.count += one.count;
    total.sum += one.sum;
    total.weightedSum += one.weightedSum;
    total.weight += one.weight;
  }
  if (total.count === 0) return undefined;
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
      return percentileOfBins(
        rollups.map((one) => one.bins),
        percentileOf(kpi) / 100,
      );
    case 'mean':
    case 'yes-no':
      return total.sum / total.count;
    default:
      return aggregation satisfies never;
  }
}

/** True for a probe that sums up a window of its own: its latest value is the KPI's, and a mean of such values would count the past twice. */
function looksBackItself({ probe }: KpiDefinition): boolean {
  return probe.kind === 'feedback' && probe.window !== 'run';
}

function latestValue(rollups: readonly DayRollup[]): number | undefined {
  const known = rollups.filter((one) => one.count > 0);
  return known.reduce<DayRollup | undefined>(
    (latest, one) => (latest === undefined || one.lastAt > latest.lastAt ? one : latest),
    undefined,
  )?.lastValue;
}

/** True when the aggregation grows with time, so that an unfinished span says nothing yet. */
export function isCumulative(kpi: KpiDefinition): boolean {
  return (kpi.aggregation === 'count' || kpi.aggregation === 'sum') && !looksBackItself(kpi);
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
