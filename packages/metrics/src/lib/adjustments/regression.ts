import type { JudgedReading, RunOutcomeReport } from '../outcome.ts';
import { chanceOfHigher } from '../statistics/rank-sum.ts';
import { median, medianDeviation } from '../statistics/robust.ts';
import type { Change, Guard } from './change.ts';

/** What a guard needs to know of an adopted change. */
export type WatchedChange = Pick<Change, 'id' | 'guards' | 'adoptedAt'>;

/** Runs before the adoption that make the baseline, and after it that are watched. */
const baselineRuns = 20;
const watchedRuns = 20;
/** One bad run proves nothing. */
const minimumRuns = 3;
const defaultWorsening = 0.1;
/** The median of three runs rarely strays further than this from a quiet baseline's. */
const noiseSigmas = 2.5;
/** Chance is ruled out below this, because the guard looks again after every run; with few runs: when every one is worse than all before. */
const chanceLimit = 0.005;

/**
 * Why an adopted change has to be undone: a guard KPI whose median of at least three runs since is worse than the baseline's by more
 * than its limit and the baseline's noise, where chance is ruled out (rank-sum test), or that lost its data. Undefined when all is well or it is too early to say.
 */
export function findRegression(
  change: WatchedChange,
  outcomes: readonly RunOutcomeReport[],
  all: readonly Change[],
): string | undefined {
  const adoptedAt = change.adoptedAt ?? Number.POSITIVE_INFINITY;
  const before = outcomes
    .filter((one) => startOf(one) < adoptedAt && !wasUndoneAround(one, change, all))
    .slice(-baselineRuns);
  const after = outcomes
    .filter((one) => startOf(one) >= adoptedAt && !wasUndoneAround(one, change, all))
    .slice(0, watchedRuns);
  if (after.length < minimumRuns) return undefined;
  for (const guard of change.guards) {
    const reason = judgeGuard(guard, before, after);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Runs under another change that was undone say nothing about this one. */
function wasUndoneAround(one: RunOutcomeReport, change: WatchedChange, all: readonly Change[]): boolean {
  return all.some(
    (other) =>
      other.id !== change.id &&
      other.undoneAt !== undefined &&
      other.adoptedAt !== undefined &&
      startOf(one) >= other.adoptedAt &&
      startOf(one) < other.undoneAt,
  );
}

/** A run uses the settings that it started with. */
function startOf(one: RunOutcomeReport): number {
  return one.at - one.cost.tookMs;
}

function judgeGuard(
  guard: Guard,
  before: readonly RunOutcomeReport[],
  after: readonly RunOutcomeReport[],
): string | undefined {
  const beforeReadings = readingsOf(guard, before);
  const afterReadings = readingsOf(guard, after);
  const baseline = valuesOf(beforeReadings);
  const values = valuesOf(afterReadings);
  if (baseline.length === 0) return undefined;
  const name = afterReadings[0]?.name ?? guard.kpiId;
  const lost = afterReadings.filter((reading) => reading.value === undefined).length;
  if (baseline.length >= minimumRuns && afterReadings.length >= minimumRuns && lost === afterReadings.length) {
    return `${name} has had no data since: ${afterReadings[0]?.reason ?? 'no reason given'}`;
  }
  if (values.length < minimumRuns) return undefined;
  const unit = afterReadings[0]?.unit ?? '';
  const usual = median(baseline);
  const now = median(values);
  const limit = Math.max(
    (guard.maxWorsening ?? defaultWorsening) * Math.abs(usual),
    noiseSigmas * medianDeviation(baseline),
  );
  const worsening = afterReadings[0]?.direction === 'down' ? now - usual : usual - now;
  if (worsening <= limit || worsening === 0 || !isProven(baseline, values, worsening === now - usual)) return undefined;
  return `${name} got worse: median ${show(now)} ${unit} in ${values.length} runs since, ${show(usual)} ${unit} before`;
}

function isProven(baseline: readonly number[], values: readonly number[], upIsWorse: boolean): boolean {
  const turned = (list: readonly number[]): number[] => list.map((value) => (upIsWorse ? value : -value));
  const [before, after] = [turned(baseline), turned(values)];
  return Math.min(...after) > Math.max(...before) || chanceOfHigher(before, after) <= chanceLimit;
}

function readingsOf(guard: Guard, outcomes: readonly RunOutcomeReport[]): JudgedReading[] {
  return outcomes.flatMap((one) => one.readings.filter((reading) => reading.kpiId === guard.kpiId));
}

function valuesOf(readings: readonly JudgedReading[]): number[] {
  return readings.flatMap((reading) => (reading.value === undefined ? [] : [reading.value]));
}

function show(value: number): string {
  return String(Number(value.toPrecision(4)));
}
