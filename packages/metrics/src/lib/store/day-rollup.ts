import { localDay, type Observation } from './observation.ts';

/** All observations of one KPI in one unit on one of the user's days, added up. Kept for years when raw observations are gone. */
export interface DayRollup {
  readonly kpiId: string;
  readonly unit: string;
  /** Days since 1970-01-01 on the user's calendar. */
  readonly day: number;
  /** Observations with a value. */
  readonly count: number;
  readonly noData: number;
  readonly estimated: number;
  readonly unverified: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** Sum of value × weight, and of the weights; an observation without a weight counts as 1. */
  readonly weightedSum: number;
  readonly weight: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly lastValue: number;
  /** Value histogram, see {@link valueToBin}. */
  readonly bins: Readonly<Record<number, number>>;
}

const gamma = 1.02;
const logGamma = Math.log(gamma);
const smallest = 1e-9;

/**
 * The histogram bin of a value: logarithmic bins with a relative width of 2 %, so a percentile read from them is off by at most 1 %.
 * 0 is its own bin, negative values mirror the positive ones. Method: DDSketch (Masson, Rim, Lee, VLDB 2019).
 */
export function valueToBin(value: number): number {
  const size = Math.abs(value);
  if (size < smallest) return 0;
  const bin = Math.ceil(Math.log(size / smallest) / logGamma) + 1;
  return value < 0 ? -bin : bin;
}

/** The middle of a bin: at most 1 % away from every value in it. */
export function binToValue(bin: number): number {
  if (bin === 0) return 0;
  const upper = smallest * gamma ** (Math.abs(bin) - 1);
  const middle = (2 * upper) / (1 + gamma);
  return bin < 0 ? -middle : middle;
}

/** The value below which `share` (0 to 1) of the values counted in several histograms lie; undefined when nothing was counted. */
export function percentileOfBins(days: readonly Readonly<Record<number, number>>[], share: number): number | undefined {
  // A map, because an object with such sparse numbers for names is slow to fill and to list.
  const counts = new Map<number, number>();
  let total = 0;
  for (const bins of days) {
    for (const name in bins) {
      const [bin, count] = [Number(name), bins[name] ?? 0];
      total += count;
      counts.set(bin, (counts.get(bin) ?? 0) + count);
    }
  }
  if (total === 0) return undefined;
  const rank = share * (total - 1);
  let seen = 0;
  for (const bin of Float64Array.from(counts.keys()).sort()) {
    seen += counts.get(bin) ?? 0;
    if (seen > rank) return binToValue(bin);
  }
  return undefined;
}

export function emptyRollup(kpiId: string, unit: string, day: number): DayRollup {
  return {
    kpiId,
    unit,
    day,
    count: 0,
    noData: 0,
    estimated: 0,
    unverified: 0,
    sum: 0,
    sumOfSquares: 0,
    weightedSum: 0,
    weight: 0,
    minimum: Number.POSITIVE_INFINITY,
    maximum: Number.NEGATIVE_INFINITY,
    firstAt: Number.POSITIVE_INFINITY,
    lastAt: Number.NEGATIVE_INFINITY,
    lastValue: 0,
    bins: {},
  };
}

/** The roll-up of a day as if it held `observation` alone. */
export function rollupOf(observation: Observation): DayRollup {
  const day = localDay(observation.at, observation.offsetMinutes);
  const empty = emptyRollup(observation.kpiId, observation.unit, day);
  const { value } = observation;
  if (value === undefined) return { ...empty, noData: 1 };
  const weight = observation.weight ?? 1;
  return {
    ...empty,
    count: 1,
    estimated: observation.grade === 'estimated' ? 1 : 0,
    unverified: observation.grade === 'unverified' ? 1 : 0,
    sum: value,
    sumOfSquares: value * value,
    weightedSum: value * weight,
    weight,
    minimum: value,
    maximum: value,
    firstAt: observation.at,
    lastAt: observation.at,
    lastValue: value,
    bins: { [valueToBin(value)]: 1 },
  };
}

/** Adds two roll-ups. Order does not matter, so late and out-of-order observations end in the same result. */
export function mergeRollups(left: DayRollup, right: DayRollup): DayRollup {
  const bins: Record<number, number> = { ...left.bins };
  for (const [bin, count] of Object.entries(right.bins)) bins[Number(bin)] = (bins[Number(bin)] ?? 0) + count;
  const rightIsLater = right.lastAt > left.lastAt || (right.lastAt === left.lastAt && right.lastValue > left.lastValue);
  return {
    ...left,
    count: left.count + right.count,
    noData: left.noData + right.noData,
    estimated: left.estimated + right.estimated,
    unverified: left.unverified + right.unverified,
    sum: left.sum + right.sum,
    sumOfSquares: left.sumOfSquares + right.sumOfSquares,
    weightedSum: left.weightedSum + right.weightedSum,
    weight: left.weight + right.weight,
    minimum: Math.min(left.minimum, right.minimum),
    maximum: Math.max(left.maximum, right.maximum),
    firstAt: Math.min(left.firstAt, right.firstAt),
    lastAt: Math.max(left.lastAt, right.lastAt),
    lastValue: rightIsLater ? right.lastValue : left.lastValue,
    bins,
  };
}
