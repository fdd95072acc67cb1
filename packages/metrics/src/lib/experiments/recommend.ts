import type { KpiDefinition } from '@genie/core/ports';
import type { Guard } from '../adjustments/change.ts';
import { pairedEffect } from '../statistics/effect.ts';
import { median } from '../statistics/robust.ts';
import type { ExperimentMetric, KpiComparison, Recommendation, Variant } from './experiment.ts';

/** Fewer pairs than this decide nothing. */
const minimumPairs = 3;
const defaultWorsening = 0.1;

/** Compares the copies, KPI by KPI, over the cases that gave a value on both. Estimates and claims are left out. */
export function compare(kpis: readonly KpiDefinition[], metrics: readonly ExperimentMetric[]): KpiComparison[] {
  return kpis.map((kpi) => {
    const { id: kpiId, name, unit, direction } = kpi;
    const values = (variant: Variant): Map<string, number> =>
      new Map(
        metrics.flatMap((one) =>
          one.kpiId === kpiId && one.variant === variant && isFact(one) ? [[one.caseId, one.value]] : [],
        ),
      );
    const [baseline, changed] = [values('baseline'), values('changed')];
    const pairs = [...baseline].flatMap(([caseId, value]) => {
      const other = changed.get(caseId);
      return other === undefined ? [] : [[value, other] as const];
    });
    const base = { kpiId, name, unit, direction };
    if (pairs.length === 0) return { ...base, verdict: 'no-data' };
    const medians = {
      baseline: median(pairs.map(([value]) => value)),
      changed: median(pairs.map(([, value]) => value)),
    };
    const effect = pairedEffect(pairs);
    if (effect === undefined) return { ...base, ...medians, verdict: 'unclear' };
    const sign = direction === 'up' ? 1 : -1;
    return { ...base, ...medians, effect, verdict: verdictOf(sign * effect.low, sign * effect.high) };
  });
}

function isFact(one: ExperimentMetric): one is ExperimentMetric & { readonly value: number } {
  return one.value !== undefined && one.grade === 'measured';
}

/** Both ends of the interval, turned so that higher is better. */
function verdictOf(one: number, other: number): KpiComparison['verdict'] {
  const [low, high] = [Math.min(one, other), Math.max(one, other)];
  if (low === 0 && high === 0) return 'same';
  if (low > 0) return 'better';
  return high < 0 ? 'worse' : 'unclear';
}

/**
 * `roll back` when a guard gets worse by more than its limit, or the change makes cases fail or lose their data; `adopt` when a primary KPI
 * is clearly better and no guard is in danger; otherwise `adapt`: the change does too little, or it was tried too rarely to say.
 */
export function recommend(input: {
  readonly comparisons: readonly KpiComparison[];
  readonly primary: readonly string[];
  readonly guards: readonly Guard[];
  readonly failed: Readonly<Record<Variant, number>>;
  readonly lost: readonly string[];
}): { readonly recommendation: Recommendation; readonly why: string } {
  const { comparisons, failed, lost } = input;
  if (failed.changed > failed.baseline) {
    return {
      recommendation: 'roll back',
      why: `${failed.changed} cases failed with the change, ${failed.baseline} without`,
    };
  }
  if (lost.length > 0) return { recommendation: 'roll back', why: `the change lost the data of ${lost.join(', ')}` };
  for (const guard of input.guards) {
    const one = comparisons.find((comparison) => comparison.kpiId === guard.kpiId);
    if (one !== undefined && isBroken(one, guard))
      return { recommendation: 'roll back', why: `${one.name} gets worse: ${inWords(one)}` };
  }
  const better = comparisons.filter((one) => input.primary.includes(one.kpiId) && one.verdict === 'better');
  const proven = better.find((one) => (one.effect?.pairs ?? 0) >= minimumPairs);
  if (proven !== undefined) return { recommendation: 'adopt', why: `${proven.name} gets better: ${inWords(proven)}` };
  if (better.length > 0)
    return { recommendation: 'adapt', why: `better so far, but fewer than ${minimumPairs} cases say so` };
  return { recommendation: 'adapt', why: 'no KPI is clearly better; change more, or try more cases' };
}

/** Worse in the middle by more than the limit: a guard need not be proven broken, only likely. */
function isBroken(one: KpiComparison, guard: Guard): boolean {
  if (one.effect === undefined || one.baseline === undefined) return false;
  const worsening = one.direction === 'up' ? -one.effect.shift : one.effect.shift;
  return worsening > (guard.maxWorsening ?? defaultWorsening) * Math.abs(one.baseline);
}

function inWords({ effect, unit, baseline, changed }: KpiComparison): string {
  const show = (value: number | undefined): string => String(Number((value ?? 0).toPrecision(3)));
  const interval = `${Math.round(100 * (effect?.confidence ?? 0))} % interval ${show(effect?.low)} to ${show(effect?.high)}`;
  return `${show(baseline)} → ${show(changed)} ${unit} (shift ${show(effect?.shift)}, ${interval}, ${effect?.pairs} cases)`;
}
