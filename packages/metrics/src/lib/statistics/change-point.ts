import { mean, median, medianDeviation } from './robust.ts';
import { findSeason, type Season } from './season.ts';

export interface ChangePoint {
  /** Position of the first value of the new level. */
  readonly index: number;
  readonly before: number;
  readonly after: number;
  /** The shift in standard deviations of the noise. */
  readonly sigmas: number;
  /** How clear it is: the test statistic, standard normal without a change at a position known beforehand. */
  readonly score: number;
}

export interface ChangeReport {
  readonly changes: readonly ChangePoint[];
  readonly season?: Season;
  readonly method: string;
}

/** A level needs at least so many values. */
const minimumSegment = 3;
const minimumValues = 12;
/** A season this sure is taken out before looking for changes. */
const seasonAlpha = 0.01;
const passes = 3;
/** Outliers further from their neighbours than this are cut to it. */
const clipSigmas = 3;

/**
 * Level shifts in a series with noise, outliers, a season and gaps. The season (weekdays or hours, given as one group per value) and the
 * level are estimated in turns; then each segment is split where the standardized difference of the means is largest (CUSUM; Page 1954),
 * as long as it is clearer than chance: the limit was calibrated for less than one false alarm in 200 quiet series. Outliers are cut to
 * 3 sigma first, and correlation from value to value raises the limit. Values are compared in order, so gaps do not matter.
 */
export function findChangePoints(values: readonly number[], groups?: readonly number[]): ChangeReport {
  const method = 'median season and CUSUM binary segmentation';
  if (values.length < minimumValues) return { changes: [], method };
  let level = runningMedian(values, 10);
  let season: Season | undefined;
  let cuts: number[] = [];
  for (let pass = 0; pass < passes; pass += 1) {
    season = groups === undefined ? undefined : takeSeason(values, level, groups);
    const adjusted = values.map((value, index) => value - effectAt(season, groups, index));
    cuts = segment(adjusted);
    level = levelOf(adjusted, cuts);
  }
  const adjusted = values.map((value, index) => value - effectAt(season, groups, index));
  const changes = describe(adjusted, cuts);
  return { changes, ...(season === undefined ? {} : { season }), method };
}

function takeSeason(
  values: readonly number[],
  level: readonly number[],
  groups: readonly number[],
): Season | undefined {
  const found = findSeason(
    values.map((value, index) => value - (level[index] as number)),
    groups,
  );
  return found !== undefined && found.pValue < seasonAlpha ? found : undefined;
}

function effectAt(season: Season | undefined, groups: readonly number[] | undefined, index: number): number {
  return season?.effects.get(groups?.[index] ?? Number.NaN) ?? 0;
}

/** Cuts in order; each is the first position of a new level. */
function segment(values: readonly number[]): number[] {
  const noise = noiseOf(values);
  if (!(noise > 0)) return exactCuts(values);
  const clipped = clip(values, noise);
  const limit = limitFor(values.length);
  const cuts: number[] = [];
  const split = (from: number, to: number): void => {
    const best = bestSplit(clipped, from, to);
    if (best === undefined || best.score / noise < limit) return;
    cuts.push(best.index);
    split(from, best.index);
    split(best.index, to);
  };
  split(0, values.length);
  const refined = refine(
    clipped,
    cuts.sort((left, right) => left - right),
    noise,
    limit,
  );
  // Values that follow each other closely look like shifts: demand more of them.
  const inflation = correlationFactor(values, levelOf(values, refined));
  return inflation === 1 ? refined : refine(clipped, refined, noise * inflation, limit);
}

/** Moves each cut to the best place between its neighbours, and drops those that are no longer clear there. */
function refine(values: readonly number[], cuts: readonly number[], noise: number, limit: number): number[] {
  let current = [...cuts];
  for (let index = 0; index < current.length; ) {
    const from = current[index - 1] ?? 0;
    const to = current[index + 1] ?? values.length;
    const best = bestSplit(values, from, to);
    if (best !== undefined && best.score / noise >= limit) {
      current[index] = best.index;
      index += 1;
    } else {
      current = current.filter((_cut, position) => position !== index);
    }
  }
  return current;
}

function bestSplit(values: readonly number[], from: number, to: number): { index: number; score: number } | undefined {
  if (to - from < 2 * minimumSegment) return undefined;
  let total = 0;
  for (let index = from; index < to; index += 1) total += values[index] as number;
  let left = 0;
  let best: { index: number; score: number } | undefined;
  for (let index = from + 1; index <= to - minimumSegment; index += 1) {
    left += values[index - 1] as number;
    const leftCount = index - from;
    if (leftCount < minimumSegment) continue;
    const rightCount = to - index;
    const difference = Math.abs(left / leftCount - (total - left) / rightCount);
    const score = difference / Math.sqrt(1 / leftCount + 1 / rightCount);
    if (best === undefined || score > best.score) best = { index, score };
  }
  return best;
}

/** Calibrated on simulated quiet series of 30 to 250 values with a weekday season, gaps, outliers and estimated noise; the bench repeats it. */
function limitFor(count: number): number {
  return 4.6 + 18 / count;
}

/** The standard deviation of the noise from differences of neighbours, which a few shifts do not touch. */
function noiseOf(values: readonly number[]): number {
  const differences = values.slice(1).map((value, index) => value - (values[index] as number));
  const byMedian = medianDeviation(differences) / Math.SQRT2;
  return byMedian > 0
    ? byMedian
    : Math.sqrt(mean(differences.map((one) => one * one)) / 2) * Number(hasManyValues(values));
}

/** Half of the differences may be 0 in counted data; a handful of distinct values is still noise, one or two are levels. */
function hasManyValues(values: readonly number[]): boolean {
  return new Set(values).size > 2;
}

/** Without any noise every lasting change is a shift. */
function exactCuts(values: readonly number[]): number[] {
  const cuts: number[] = [];
  for (let index = minimumSegment; index <= values.length - minimumSegment; index += 1) {
    const before = values.slice(index - minimumSegment, index);
    const after = values.slice(index, index + minimumSegment);
    if (new Set(before).size === 1 && new Set(after).size === 1 && before[0] !== after[0]) cuts.push(index);
  }
  return cuts;
}

function clip(values: readonly number[], noise: number): number[] {
  const middle = runningMedian(values, 3);
  return values.map((value, index) => {
    const center = middle[index] as number;
    return Math.min(center + clipSigmas * noise, Math.max(center - clipSigmas * noise, value));
  });
}

function runningMedian(values: readonly number[], half: number): number[] {
  return values.map((_value, index) => median(values.slice(Math.max(0, index - half), index + half + 1)));
}

function levelOf(values: readonly number[], cuts: readonly number[]): number[] {
  const level: number[] = [];
  for (const [from, to] of spans(cuts, values.length))
    level.push(...new Array<number>(to - from).fill(median(values.slice(from, to))));
  return level;
}

/** How much wider means scatter when each value resembles the one before: (1 + r) / (1 - r), under the root. */
function correlationFactor(values: readonly number[], level: readonly number[]): number {
  const residuals = values.map((value, index) => value - (level[index] as number));
  const power = mean(residuals.map((one) => one * one));
  if (!(power > 0) || values.length < 20) return 1;
  const lagged = mean(residuals.slice(1).map((one, index) => one * (residuals[index] as number)));
  const correlation = Math.min(0.9, Math.max(0, lagged / power));
  // Chance alone gives a correlation of this size; the noise from differences is already (1 - r) too small.
  if (correlation < 1.3 / Math.sqrt(values.length)) return 1;
  return Math.sqrt((1 + correlation) / (1 - correlation) ** 2);
}

function describe(values: readonly number[], cuts: readonly number[]): ChangePoint[] {
  const parts = spans(cuts, values.length);
  const noise = noiseOf(values);
  return cuts.map((index, position) => {
    const [from] = parts[position] as readonly [number, number];
    const [, to] = parts[position + 1] as readonly [number, number];
    const before = median(values.slice(from, index));
    const after = median(values.slice(index, to));
    const sigmas = noise > 0 ? (after - before) / noise : Math.sign(after - before) * Number.MAX_SAFE_INTEGER;
    const score = Math.abs(sigmas) / Math.sqrt(1 / (index - from) + 1 / (to - index));
    return { index, before, after, sigmas, score };
  });
}

function spans(cuts: readonly number[], length: number): (readonly [number, number])[] {
  const edges = [0, ...cuts, length];
  return edges.slice(1).map((to, index) => [edges[index] as number, to] as const);
}
