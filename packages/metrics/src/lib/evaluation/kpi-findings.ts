import type { KpiDefinition } from '@genie/core/ports';
import { statusOf } from '../kpi-definition.ts';
import { findControlLimits } from '../statistics/control-limits.ts';
import { median } from '../statistics/robust.ts';
import { findTrend } from '../statistics/trend.ts';
import type { Observation } from '../store/observation.ts';
import type { Finding } from './evaluation.ts';

export type NewFinding = Omit<Finding, 'id'>;
type Valued = Observation & { readonly value: number };

/** What the statistics say about one KPI. Only values in its present unit are compared. */
export function findKpiFindings(kpi: KpiDefinition, observations: readonly Observation[]): NewFinding[] {
  const own = observations.filter((one) => one.unit === kpi.unit);
  const valued = own.filter((one): one is Valued => one.value !== undefined);
  const missing = own.filter(
    (one) => one.value === undefined && one.noData !== 'pending' && one.noData !== 'not-applicable',
  );
  return [
    ...unitChange(kpi, observations),
    ...missingData(kpi, own, missing),
    ...level(kpi, valued),
    ...trend(kpi, valued),
    ...outOfControl(kpi, valued),
  ];
}

function level(kpi: KpiDefinition, valued: readonly Valued[]): NewFinding[] {
  if (valued.length === 0) return [];
  const met = valued.filter((one) => statusOf(kpi, one.value) === 'met').length;
  const middle = median(valued.map((one) => one.value));
  const status = statusOf(kpi, middle);
  const tone = status === 'met' ? 'good' : 'bad';
  const statement = `${kpi.name}: median ${show(middle)} ${kpi.unit} against a target of ${show(kpi.target)}; ${met} of ${valued.length} at target.`;
  const numbers = { median: middle, target: kpi.target, met, observations: valued.length };
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

function outOfControl(kpi: KpiDefinition, valued: readonly Valued[]): NewFinding[] {
  const limits = findControlLimits(valued.map((one) => one.value));
  if (limits === undefined || limits.outside.length === 0) return [];
  const outside = limits.outside.map((index) => valued[index] as Valued);
  const bad = outside.some((one) => one.value < limits.center === (kpi.direction === 'up'));
  const range = `${show(limits.low)} to ${show(limits.high)} ${kpi.unit}`;
  const statement = `${kpi.name}: ${outside.length} of ${valued.length} values lie outside its usual range of ${range}.`;
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
