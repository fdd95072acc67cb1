import { GenieError } from '@genie/core/errors';
import type { KpiDefinition, KpiStatus } from '@genie/core/ports';
import { aggregate, daysOf, weakestGrade } from './current-value.ts';
import { statusOf } from './kpi-definition.ts';
import type { DayRollup } from './store/day-rollup.ts';
import { dayToDate, type Grade } from './store/observation.ts';

export interface SeriesOptions {
  /** How many of the user's days, today included. From 1 to 36,600. Default 90. */
  readonly days?: number;
}

const defaultDays = 90;
const mostDays = 36_600;

/** The days to show; throws `GENIE_METRICS_OPTIONS` for what is no number of days. */
export function daysShown(days: number = defaultDays): number {
  if (Number.isInteger(days) && days >= 1 && days <= mostDays) return days;
  throw new GenieError('GENIE_METRICS_OPTIONS', `days is ${String(days)}; pass a whole number from 1 to ${mostDays}.`);
}

export interface SeriesPoint {
  /** `YYYY-MM-DD` on the user's calendar. */
  readonly date: string;
  /** Undefined: observed, but without data; `reasonless` gaps have no point at all. */
  readonly value?: number;
  readonly status: KpiStatus;
  readonly grade: Grade;
  readonly count: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** One KPI over time. Points are days with observations, oldest first; a cadence longer than a day looks back from each of them. */
export interface Series {
  readonly kpiId: string;
  readonly name: string;
  readonly unit: string;
  readonly direction: 'up' | 'down';
  readonly target: number;
  readonly warning?: number;
  readonly failure?: number;
  readonly points: readonly SeriesPoint[];
  /** Other units this KPI was observed in: those values are not comparable and not shown. */
  readonly formerUnits: readonly string[];
}

/** Builds a series from day roll-ups of one KPI, oldest first. They may start before `firstDay`, for cadences that look back. */
export function toSeries(
  kpi: KpiDefinition,
  rollups: readonly DayRollup[],
  firstDay: number,
  dateOf: (day: number) => string = dayToDate,
): Series {
  const own = rollups.filter((one) => one.unit === kpi.unit);
  const formerUnits = [...new Set(rollups.map((one) => one.unit))].filter((unit) => unit !== kpi.unit);
  const span = daysOf(kpi.cadence);
  const points: SeriesPoint[] = [];
  let start = 0;
  own.forEach((rollup, index) => {
    if (rollup.day < firstDay) return;
    while ((own[start] as DayRollup).day <= rollup.day - span) start += 1;
    points.push(toPoint(kpi, own.slice(start, index + 1), rollup, { span, date: dateOf(rollup.day) }));
  });
  const { id, name, unit, direction, target, warning, failure } = kpi;
  return {
    kpiId: id,
    name,
    unit,
    direction,
    target,
    ...(warning === undefined ? {} : { warning }),
    ...(failure === undefined ? {} : { failure }),
    points,
    formerUnits,
  };
}

function toPoint(
  kpi: KpiDefinition,
  window: readonly DayRollup[],
  today: DayRollup,
  { span, date }: { readonly span: number; readonly date: string },
): SeriesPoint {
  const value = aggregate(kpi, window, span);
  if (value === undefined) return { date, status: 'no-data', grade: 'unverified', count: 0 };
  const { count, minimum, maximum } = today;
  const bounds = count > 0 ? { minimum, maximum } : {};
  return { date, value, status: statusOf(kpi, value), grade: weakestGrade(window), count, ...bounds };
}
