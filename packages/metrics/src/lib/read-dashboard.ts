import type { KpiDefinition } from '@genie/core/ports';
import { daysOf } from './current-value.ts';
import { type Dashboard, toDashboard } from './dashboard.ts';
import type { Deps } from './deps.ts';
import type { Evaluation } from './evaluation/evaluation.ts';
import type { RunOutcomeReport } from './outcome.ts';
import { localDay } from './store/observation.ts';

/** Reads what a dashboard shows: day roll-ups, never raw observations, so its cost does not depend on how many there are. */
export async function readDashboard(
  deps: Deps,
  definitions: readonly KpiDefinition[],
  days: number,
): Promise<Dashboard> {
  const now = deps.clock.now();
  const firstDay = localDay(now, deps.offsetAt(now)) - days + 1;
  const lookBack = Math.max(0, ...definitions.map((kpi) => daysOf(kpi.cadence)));
  const { store } = deps;
  const rollups = await store.days({ fromDay: firstDay - lookBack });
  const percentiles = definitions.filter((kpi) => kpi.aggregation === 'percentile').map((kpi) => kpi.id);
  const withBins = await Promise.all(
    percentiles.map((kpiId) => store.days({ kpiId, fromDay: firstDay - lookBack, withBins: true })),
  );
  const [evaluation] = await store.records('evaluation', { limit: 1 });
  const outcomes = await store.records('outcome', { from: now - days * 86_400_000, limit: 100_000 });
  const history = await store.records('change', { limit: 200 });
  return toDashboard({
    now,
    days,
    firstDay,
    definitions,
    rollups: [...rollups.filter((one) => !percentiles.includes(one.kpiId)), ...withBins.flat()],
    outcomes: outcomes.map((row) => row.body as unknown as RunOutcomeReport),
    ...(evaluation === undefined ? {} : { evaluation: evaluation.body as unknown as Evaluation }),
    history: [...history].reverse(),
  });
}
