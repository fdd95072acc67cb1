import { type Change, toChanges } from './adjustments/change.ts';
import type { RunOutcomeReport } from './outcome.ts';
import { chanceOfHigher } from './statistics/rank-sum.ts';
import { median } from './statistics/robust.ts';
import type { StoredRecord } from './store/metrics-store.ts';

/** An adopted change with what came of it. */
export interface DashboardChange {
  readonly id: string;
  readonly title: string;
  readonly state: Change['state'];
  /** Epoch ms. */
  readonly adoptedAt?: number;
  readonly undoneAt?: number;
  /** Why it was undone or aborted. */
  readonly reason?: string;
  /** The experiment that tried it first. */
  readonly experimentId?: string;
  /** KPIs with values in runs on both sides of the adoption, those that clearly moved first. */
  readonly effects: readonly ChangeEffect[];
}

/** Medians of the runs before a change and since. */
export interface ChangeEffect {
  readonly kpiId: string;
  readonly name: string;
  readonly unit: string;
  readonly before: number;
  readonly after: number;
  readonly runsBefore: number;
  readonly runsAfter: number;
  /** `unclear`: it moved no more than it does anyway. */
  readonly verdict: 'better' | 'worse' | 'same' | 'unclear';
}

/** Runs on each side that are compared, as many as the guards look at. */
const comparedRuns = 20;

/** The history of adjustments, newest first, with each KPI before and after. */
export function toDashboardChanges(
  records: readonly StoredRecord[],
  outcomes: readonly RunOutcomeReport[],
): DashboardChange[] {
  return toChanges(records)
    .map((change) => toDashboardChange(change, outcomes))
    .reverse();
}

function toDashboardChange(change: Change, outcomes: readonly RunOutcomeReport[]): DashboardChange {
  const { id, title, state, adoptedAt, undoneAt, reason, experimentId } = change;
  return {
    id,
    title,
    state,
    ...(adoptedAt === undefined ? {} : { adoptedAt }),
    ...(undoneAt === undefined ? {} : { undoneAt }),
    ...(reason === undefined ? {} : { reason }),
    ...(experimentId === undefined ? {} : { experimentId }),
    effects: adoptedAt === undefined ? [] : effectsOf(outcomes, adoptedAt, undoneAt ?? Number.POSITIVE_INFINITY),
  };
}

function effectsOf(outcomes: readonly RunOutcomeReport[], adoptedAt: number, until: number): ChangeEffect[] {
  const startOf = (one: RunOutcomeReport): number => one.at - one.cost.tookMs;
  const before = valuesByKpi(outcomes.filter((one) => startOf(one) < adoptedAt).slice(-comparedRuns));
  const after = valuesByKpi(
    outcomes.filter((one) => startOf(one) >= adoptedAt && startOf(one) < until).slice(0, comparedRuns),
  );
  const effects = [...after].flatMap(([kpiId, { name, unit, direction, values }]): ChangeEffect[] => {
    const base = before.get(kpiId);
    if (base === undefined || base.unit !== unit) return [];
    const [from, to] = [median(base.values), median(values)];
    const verdict = verdictOf(base.values, values, direction);
    const runs = { runsBefore: base.values.length, runsAfter: values.length };
    return [{ kpiId, name, unit, before: from, after: to, ...runs, verdict }];
  });
  const isClear = ({ verdict }: ChangeEffect): number => Number(verdict === 'better' || verdict === 'worse');
  return effects.sort((left, right) => isClear(right) - isClear(left) || sizeOf(right) - sizeOf(left));
}

/** Chance is ruled out below this, or where every run lies on one side of all before. */
const chanceLimit = 0.05;

function verdictOf(
  before: readonly number[],
  after: readonly number[],
  direction: 'up' | 'down',
): ChangeEffect['verdict'] {
  const [from, to] = [median(before), median(after)];
  if (from === to) return 'same';
  const up = to > from;
  const [low, high] = up ? [before, after] : [after, before];
  const apart = Math.min(...high) > Math.max(...low);
  if (!apart && chanceOfHigher(low, high) > chanceLimit) return 'unclear';
  return up === (direction === 'up') ? 'better' : 'worse';
}

/** How far a KPI moved, as a share of where it was. */
function sizeOf({ before, after }: ChangeEffect): number {
  return Math.abs(after - before) / Math.max(Math.abs(before), Math.abs(after), Number.MIN_VALUE);
}

interface KpiValues {
  readonly name: string;
  readonly unit: string;
  readonly direction: 'up' | 'down';
  readonly values: number[];
}

function valuesByKpi(outcomes: readonly RunOutcomeReport[]): Map<string, KpiValues> {
  const found = new Map<string, KpiValues>();
  for (const { kpiId, name, unit, direction, value } of outcomes.flatMap((one) => one.readings)) {
    if (value === undefined) continue;
    const known = found.get(kpiId);
    // A unit that changed starts anew: the last unit is the one that is compared.
    if (known?.unit === unit) known.values.push(value);
    else found.set(kpiId, { name, unit, direction, values: [value] });
  }
  return found;
}
