import type { KpiDefinition } from '@genie/core/ports';
import { looksBack } from '../current-value.ts';
import { statusOf } from '../kpi-definition.ts';
import { type ChangeReport, findChangePoints } from '../statistics/change-point.ts';
import { findControlLimits } from '../statistics/control-limits.ts';
import { median } from '../statistics/robust.ts';
import { findSeason, type Season } from '../statistics/season.ts';
import { findTrend } from '../statistics/trend.ts';
import { dayToDate, localDay, type Observation } from '../store/observation.ts';
import type { Finding } from './evaluation.ts';
import { judgedValues } from './judged-values.ts';

export type NewFinding = Omit<Finding, 'id'>;
type Valued = Observation & { readonly value: number };

/** What the statistics say about one KPI. Only values in its present unit are compared. */
export function findKpiFindings(kpi: KpiDefinition, observations: readonly Observation[]): NewFinding[] {
  const own = observations.filter((one) => one.unit === kpi.unit);
  const valued = own.filter((one): one is Valued => one.value !== undefined);
  const missing = own.filter(
    (one) => one.value === undefined && one.noData !== 'pending' && one.noData !== 'not-applicable',
  );
  const changes = findChangePoints(
    valued.map((one) => one.value),
    valued.map(weekday),
  );
  return [
    ...unitChange(kpi, observations),
    ...missingData(kpi, own, missing),
    ...level(kpi, valued),
    // A step makes a trend too; the step is the better description.
    ...(changes.changes.length > 0 ? changePoints(kpi, valued, changes) : trend(kpi, valued)),
    ...weekdays(kpi, valued, changes.season),
    ...hours(kpi, valued, changes),
    ...outOfControl(kpi, valued, changes),
  ];
}

const weekdayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** 0 = Sunday, on the user's calendar at that time. */
function weekday(one: Observation): number {
  return (localDay(one.at, one.offsetMinutes) + 4) % 7;
}

function localHour(one: Observation): number {
  return Math.floor((one.at + one.offsetMinutes * 60_000) / 3_600_000) % 24;
}

function changePoints(kpi: KpiDefinition, valued: readonly Valued[], { changes, method }: ChangeReport): NewFinding[] {
  return changes.map((change) => {
    const first = valued[change.index] as Valued;
    const better = change.after > change.before === (kpi.direction === 'up');
    const date = dayToDate(localDay(first.at, first.offsetMinutes));
    const levels = `from ${show(change.before)} to ${show(change.after)} ${kpi.unit}`;
    const statement = `${kpi.name} got ${better ? 'better' : 'worse'} on ${date}: ${levels}.`;
    const { before, after, sigmas } = change;
    const numbers = { before, after, sigmas, at: first.at };
    const around = valued.slice(Math.max(0, change.index - 5), change.index + 5);
    return {
      kind: 'change-point',
      kpiId: kpi.id,
      tone: better ? 'good' : 'bad',
      statement,
      method,
      numbers,
      evidence: ids(around),
    };
  });
}

function weekdays(kpi: KpiDefinition, valued: readonly Valued[], season: Season | undefined): NewFinding[] {
  if (season === undefined || season.strength < 0.2) return [];
  return [
    describeSeason({ kpi, valued, season, kind: 'weekday', group: weekday, name: (day) => weekdayNames[day] ?? '' }),
  ];
}

function hours(kpi: KpiDefinition, valued: readonly Valued[], { changes }: ChangeReport): NewFinding[] {
  const edges = [0, ...changes.map((change) => change.index), valued.length];
  const residuals = edges.slice(1).flatMap((to, index) => {
    const part = valued.slice(edges[index], to).map((one) => one.value);
    const middle = median(part);
    return part.map((value) => value - middle);
  });
  const season = valued.length < 24 ? undefined : findSeason(residuals, valued.map(localHour));
  if (season === undefined || season.pValue > 0.001 || season.strength < 0.2) return [];
  return [describeSeason({ kpi, valued, season, kind: 'hour', group: localHour, name: (hour) => `${hour}:00` })];
}

function describeSeason(input: {
  readonly kpi: KpiDefinition;
  readonly valued: readonly Valued[];
  readonly season: Season;
  readonly kind: 'weekday' | 'hour';
  readonly group: (one: Observation) => number;
  readonly name: (group: number) => string;
}): NewFinding {
  const { kpi, valued, season, kind, group, name } = input;
  const sign = kpi.direction === 'up' ? 1 : -1;
  const sorted = [...season.effects].sort((left, right) => sign * (left[1] - right[1]));
  const [worst, worstEffect] = sorted[0] as [number, number];
  const [best, bestEffect] = sorted.at(-1) as [number, number];
  const statement = `${kpi.name} follows the ${kind}: worst on ${name(worst)} (${show(worstEffect)}), best on ${name(best)} (${show(bestEffect)} ${kpi.unit}).`;
  const numbers = { worst, worstEffect, best, bestEffect, pValue: season.pValue, strength: season.strength };
  const evidence = ids(valued.filter((one) => group(one) === worst));
  return { kind, kpiId: kpi.id, tone: 'neutral', statement, method: season.method, numbers, evidence };
}

function level(kpi: KpiDefinition, valued: readonly Valued[]): NewFinding[] {
  const values = judgedValues(kpi, valued);
  if (values.length === 0) return [];
  const met = values.filter((value) => statusOf(kpi, value) === 'met').length;
  const middle = median(values);
  const status = statusOf(kpi, middle);
  const tone = status === 'met' ? 'good' : 'bad';
  const statement = `${kpi.name}: median ${show(middle)} ${kpi.unit} against a target of ${show(kpi.target)}; ${met} of ${values.length}${looksBack(kpi.cadence) ? ' days' : ''} at target.`;
  const numbers = { median: middle, target: kpi.target, met, observations: valued.length, judged: values.length };
  return [
    {
      kind: 'level',
      kpiId: kpi.id,
      tone,
      statement,
      method: 'median and share at target',
      numbers,
      evidence: ids(valued),
    },
  ];
}

function trend(kpi: KpiDefinition, valued: readonly Valued[]): NewFinding[] {
  const found = findTrend(valued);
  if (found === undefined || found.pValue > 0.01 || found.slopePerDay === 0) return [];
  const better = found.slopePerDay > 0 === (kpi.direction === 'up');
  const perWeek = 7 * found.slopePerDay;
  const statement = `${kpi.name} is getting ${better ? 'better' : 'worse'}: ${show(perWeek)} ${kpi.unit} a week.`;
  const numbers = { slopePerDay: found.slopePerDay, low: found.low, high: found.high, pValue: found.pValue };
  return [
    {
      kind: 'trend',
      kpiId: kpi.id,
      tone: better ? 'good' : 'bad',
      statement,
      method: found.method,
      numbers,
      evidence: ids(valued),
    },
  ];
}

/** Values outside the limits of the present level; what was before a step is another process. */
function outOfControl(kpi: KpiDefinition, valued: readonly Valued[], { changes, season }: ChangeReport): NewFinding[] {
  const present = valued.slice(changes.at(-1)?.index ?? 0);
  const limits = findControlLimits(present.map((one) => one.value - (season?.effects.get(weekday(one)) ?? 0)));
  if (limits === undefined || limits.outside.length === 0) return [];
  const outside = limits.outside.map((index) => present[index] as Valued);
  const bad = outside.some((one) => one.value < limits.center === (kpi.direction === 'up'));
  const range = `${show(limits.low)} to ${show(limits.high)} ${kpi.unit}`;
  const statement = `${kpi.name}: ${outside.length} of ${present.length} values lie outside its usual range of ${range}.`;
  const numbers = { low: limits.low, high: limits.high, outside: outside.length };
  const tone = bad ? 'bad' : 'neutral';
  return [
    { kind: 'out-of-control', kpiId: kpi.id, tone, statement, method: limits.method, numbers, evidence: ids(outside) },
  ];
}

function missingData(kpi: KpiDefinition, own: readonly Observation[], missing: readonly Observation[]): NewFinding[] {
  if (missing.length === 0) return [];
  const reasons = [...Map.groupBy(missing, (one) => one.reason ?? 'unknown')].sort((a, b) => b[1].length - a[1].length);
  const statement = `${kpi.name}: no data in ${missing.length} of ${own.length} observations, mostly because ${reasons[0]?.[0]}.`;
  const numbers = { missing: missing.length, observations: own.length };
  return [
    { kind: 'missing-data', kpiId: kpi.id, tone: 'bad', statement, method: 'count', numbers, evidence: ids(missing) },
  ];
}

function unitChange(kpi: KpiDefinition, all: readonly Observation[]): NewFinding[] {
  const others = all.filter((one) => one.unit !== kpi.unit);
  if (others.length === 0) return [];
  const units = [...new Set(others.map((one) => one.unit))].join(', ');
  const statement = `${kpi.name} was observed in ${units} before; those ${others.length} values are not compared with ${kpi.unit}.`;
  const numbers = { observations: others.length };
  return [
    { kind: 'unit-change', kpiId: kpi.id, tone: 'neutral', statement, method: 'count', numbers, evidence: ids(others) },
  ];
}

function ids(observations: readonly Observation[]): string[] {
  return observations.slice(-20).map((one) => one.id);
}

/** At most four significant digits. */
export function show(value: number): string {
  return String(Number(value.toPrecision(4)));
}
