import { median, normalTail, quantile } from './robust.ts';

export interface Trend {
  /** Change of the value per day. */
  readonly slopePerDay: number;
  /** 95 % interval of the slope. */
  readonly low: number;
  readonly high: number;
  /** Two-sided probability of such a trend by chance. */
  readonly pValue: number;
  readonly method: string;
}

export interface Point {
  /** Epoch ms. */
  readonly at: number;
  readonly value: number;
}

const dayMs = 86_400_000;
/** More pairs than this add cost, not accuracy. */
const maxPoints = 400;

/**
 * A robust trend: the median of all pairwise slopes (Theil 1950, Sen 1968) with Sen's interval, and the Mann-Kendall test with
 * correction for ties. Up to 29 % of the values may be arbitrary without breaking it. Undefined for fewer than 8 points or no spread in time.
 */
export function findTrend(points: readonly Point[]): Trend | undefined {
  const used = thin(points);
  if (used.length < 8) return undefined;
  const slopes: number[] = [];
  let concordance = 0;
  for (let right = 1; right < used.length; right += 1) {
    for (let left = 0; left < right; left += 1) {
      const [a, b] = [used[left] as Point, used[right] as Point];
      if (a.at === b.at) continue;
      slopes.push(((b.value - a.value) / (b.at - a.at)) * dayMs);
      concordance += Math.sign(b.value - a.value);
    }
  }
  if (slopes.length === 0) return undefined;
  const deviation = Math.sqrt(varianceOfConcordance(used.map((point) => point.value)));
  const z = deviation === 0 ? 0 : (Math.abs(concordance) - 1) / deviation;
  const half = (1.96 * deviation) / slopes.length / 2;
  return {
    slopePerDay: median(slopes),
    low: quantile(slopes, Math.max(0, 0.5 - half)),
    high: quantile(slopes, Math.min(1, 0.5 + half)),
    pValue: Math.min(1, 2 * normalTail(Math.max(0, z))),
    method: 'Theil-Sen slope, Mann-Kendall test',
  };
}

function varianceOfConcordance(values: readonly number[]): number {
  const n = values.length;
  const ties = [...Map.groupBy(values, (value) => value).values()].map((group) => group.length);
  const tied = ties.reduce((sum, size) => sum + size * (size - 1) * (2 * size + 5), 0);
  return (n * (n - 1) * (2 * n + 5) - tied) / 18;
}

/** Every k-th point, the newest one included. */
function thin(points: readonly Point[]): readonly Point[] {
  const step = Math.ceil(points.length / maxPoints);
  return step <= 1 ? points : points.filter((_point, index) => (points.length - 1 - index) % step === 0);
}
