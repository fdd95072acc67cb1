import type { KpiDefinition, KpiStatus } from '@genie/core/ports';
import { type DashboardChange, toDashboardChanges } from './dashboard-changes.ts';
import type { Evaluation } from './evaluation/evaluation.ts';
import type { RunOutcomeReport } from './outcome.ts';
import { type Series, type SeriesOptions, toSeries } from './series.ts';
import type { DayRollup } from './store/day-rollup.ts';
import type { StoredRecord } from './store/metrics-store.ts';
import { dayToDate } from './store/observation.ts';

export type DashboardOptions = SeriesOptions;

/** What the app, the terminal and the report show. Plain JSON. */
export interface Dashboard {
  /** Epoch ms. */
  readonly at: number;
  readonly days: number;
  /** 0 to 100: the share of KPIs at target (a warning counts half), of those with data; undefined without data. */
  readonly score?: number;
  readonly kpis: readonly DashboardKpi[];
  readonly outcomes: Readonly<Record<RunOutcomeReport['outcome'], number>>;
  readonly cost: { readonly usd?: number; readonly tokens: number; readonly tookMs: number; readonly runs: number };
  readonly lastEvaluation?: { readonly at: number; readonly summary: string };
  /** Adopted adjustments with the KPIs before and after, newest first. */
  readonly changes: readonly DashboardChange[];
  /** The log behind `changes`, and new versions of the definitions, newest first. */
  readonly history: readonly StoredRecord[];
}

export interface DashboardKpi extends Series {
  readonly status: KpiStatus;
  readonly value?: number;
  /** The last point before the newest one, for an arrow. */
  readonly previous?: number;
}

export interface DashboardInput {
  readonly now: number;
  readonly days: number;
  readonly firstDay: number;
  readonly definitions: readonly KpiDefinition[];
  /** Of all KPIs, ordered by KPI and day. */
  readonly rollups: readonly DayRollup[];
  readonly outcomes: readonly RunOutcomeReport[];
  readonly evaluation?: Evaluation;
  readonly history: readonly StoredRecord[];
}

export function toDashboard(input: DashboardInput): Dashboard {
  const rollupsByKpi = Map.groupBy(input.rollups, (one) => one.kpiId);
  const dateOf = createDateOf();
  const kpis = input.definitions.map((kpi) =>
    toKpi(toSeries(kpi, rollupsByKpi.get(kpi.id) ?? [], input.firstDay, dateOf)),
  );
  const score = scoreOf(kpis.map((kpi) => kpi.status));
  const counts = { achieved: 0, partly: 0, 'not-achieved': 0, unverified: 0 };
  for (const { outcome } of input.outcomes) counts[outcome] += 1;
  const { evaluation } = input;
  return {
    at: input.now,
    days: input.days,
    ...(score === undefined ? {} : { score }),
    kpis,
    outcomes: counts,
    cost: totalCost(input.outcomes),
    ...(evaluation === undefined ? {} : { lastEvaluation: { at: evaluation.at, summary: evaluation.summary } }),
    changes: toDashboardChanges(input.history.toReversed(), input.outcomes),
    history: input.history,
  };
}

/** Every KPI has the same days, so each is written out once. */
function createDateOf(): (day: number) => string {
  const dates = new Map<number, string>();
  return (day) => {
    const date = dates.get(day) ?? dayToDate(day);
    dates.set(day, date);
    return date;
  };
}

/** 0 to 100: met counts 1, warning 0.5, missed 0; KPIs without data count neither way. */
export function scoreOf(statuses: readonly KpiStatus[]): number | undefined {
  const known = statuses.filter((status) => status !== 'no-data');
  if (known.length === 0) return undefined;
  const points = known.reduce((sum, status) => sum + (status === 'met' ? 1 : status === 'warning' ? 0.5 : 0), 0);
  return Math.round((100 * points) / known.length);
}

function toKpi(series: Series): DashboardKpi {
  const last = series.points.findLast((point) => point.value !== undefined);
  if (last?.value === undefined) return { ...series, status: 'no-data' };
  const previous = series.points.findLast((point) => point.value !== undefined && point !== last)?.value;
  return { ...series, status: last.status, value: last.value, ...(previous === undefined ? {} : { previous }) };
}

function totalCost(outcomes: readonly RunOutcomeReport[]): Dashboard['cost'] {
  const priced = outcomes.flatMap(({ cost }) => (cost.usd === undefined ? [] : [cost.usd]));
  return {
    ...(priced.length === 0 ? {} : { usd: priced.reduce((sum, usd) => sum + usd, 0) }),
    tokens: outcomes.reduce((sum, { cost }) => sum + cost.tokens, 0),
    tookMs: outcomes.reduce((sum, { cost }) => sum + cost.tookMs, 0),
    runs: outcomes.length,
  };
}
