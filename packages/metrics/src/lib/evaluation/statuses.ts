import type { KpiDefinition, KpiStatus } from '@genie/core/ports';
import { aggregate, daysOf } from '../current-value.ts';
import type { Deps } from '../deps.ts';
import { statusOf } from '../kpi-definition.ts';
import { localDay } from '../store/observation.ts';

/** The status of every KPI over its own cadence, today. */
export async function currentStatuses(
  deps: Deps,
  definitions: readonly KpiDefinition[],
  now: number,
): Promise<Record<string, KpiStatus>> {
  const today = localDay(now, deps.offsetAt(now));
  const statuses: Record<string, KpiStatus> = {};
  for (const kpi of definitions) {
    // A KPI of the run keeps the status of its last day with data for a week.
    const span = daysOf(kpi.cadence);
    const days = await deps.store.days({
      kpiId: kpi.id,
      fromDay: today - 7 - span,
      toDay: today,
      withBins: kpi.aggregation === 'percentile',
    });
    const own = days.filter((day) => day.unit === kpi.unit && day.count > 0);
    const last = own.at(-1);
    const value =
      last === undefined
        ? undefined
        : aggregate(
            kpi,
            own.filter((day) => day.day > last.day - span),
            span,
          );
    statuses[kpi.id] = value === undefined ? 'no-data' : statusOf(kpi, value);
  }
  return statuses;
}
