import { median } from './robust.ts';

/** How far two samples lie apart. */
export interface Effect {
  /** Shift of the changed sample against the baseline, in the unit of the values. */
  readonly shift: number;
  readonly low: number;
  readonly high: number;
  /** How sure the interval is, 0 to 1. Fewer than 6 pairs cannot give 95 %. */
  readonly confidence: number;
  /** Cliff's delta: -1 (all lower) to 1 (all higher). */
  readonly delta: number;
  readonly pairs: number;
  readonly method: string;
}

/** Pairs needed for a 95 % interval from ranks. */
const fullConfidencePairs = 6;

/**
 * Effect of a change from values of the same cases before and after: the Hodges-Lehmann shift with the interval of Wilcoxon's signed-rank
 * test (Hodges and Lehmann 1963), and Cliff's delta (1993). Assumes nothing about the distribution. Undefined for fewer than two pairs.
 */
export function pairedEffect(pairs: readonly (readonly [baseline: number, changed: number])[]): Effect | undefined {
  const count = pairs.length;
  if (count < 2) return undefined;
  const differences = pairs.map(([baseline, changed]) => changed - baseline);
  const averages: number[] = [];
  for (let left = 0; left < count; left += 1) {
    for (let right = left; right < count; right += 1) {
      averages.push(((differences[left] as number) + (differences[right] as number)) / 2);
    }
  }
  averages.sort((left, right) => left - right);
  const deviation = Math.sqrt((count * (count + 1) * (2 * count + 1)) / 24);
  const rank =
    count < fullConfidencePairs ? 0 : Math.max(0, Math.floor((count * (count + 1)) / 4 - 1.96 * deviation) - 1);
  return {
    shift: median(averages),
    low: averages[rank] as number,
    high: averages[averages.length - 1 - rank] as number,
    confidence: count < fullConfidencePairs ? 1 - 2 ** (1 - count) : 0.95,
    delta: cliffsDelta(
      pairs.map(([baseline]) => baseline),
      pairs.map(([, changed]) => changed),
    ),
    pairs: count,
    method: 'Hodges-Lehmann shift, Wilcoxon signed-rank interval',
  };
}

/** The probability that a changed value is higher than a baseline value, minus the probability that it is lower. */
export function cliffsDelta(baseline: readonly number[], changed: readonly number[]): number {
  let sum = 0;
  for (const left of baseline) for (const right of changed) sum += Math.sign(right - left);
  return sum / (baseline.length * changed.length);
}
