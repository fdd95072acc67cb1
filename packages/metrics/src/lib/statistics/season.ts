import { mean, median } from './robust.ts';

export interface Season {
  /** How far each group lies from the level, in the unit of the values. Sums to about 0. */
  readonly effects: ReadonlyMap<number, number>;
  /** Probability of such differences by chance. */
  readonly pValue: number;
  /** Share of the scatter that the groups explain, 0 to 1. */
  readonly strength: number;
  readonly method: string;
}

/** Fewer values of a group than this say nothing about it. */
const minimumPerGroup = 3;

/**
 * Differences between groups (weekdays, hours) in residuals, i.e. values without their level: group medians, tested by ranks
 * (Kruskal and Wallis, 1952). Undefined when fewer than two groups have three values.
 */
export function findSeason(residuals: readonly number[], groups: readonly number[]): Season | undefined {
  const positions = residuals.map((_residual, index) => index);
  const byGroup = [...Map.groupBy(positions, (index) => groups[index] as number)].filter(
    ([, list]) => list.length >= minimumPerGroup,
  );
  if (byGroup.length < 2) return undefined;
  const used = byGroup.flatMap(([, list]) => list);
  const ranks = rank(used.map((index) => residuals[index] as number));
  const rankAt = new Map(used.map((index, order) => [index, ranks[order] as number]));
  const total = used.length;
  const middle = (total + 1) / 2;
  const between = byGroup.reduce((sum, [, list]) => {
    const groupMean = mean(list.map((index) => rankAt.get(index) as number));
    return sum + list.length * (groupMean - middle) ** 2;
  }, 0);
  const spread = ranks.reduce((sum, one) => sum + (one - middle) ** 2, 0);
  if (spread === 0) return undefined;
  const statistic = ((total - 1) * between) / spread;
  const raw = byGroup.map(([group, list]) => [group, median(list.map((index) => residuals[index] as number))] as const);
  const center = mean(raw.map(([, effect]) => effect));
  return {
    effects: new Map(raw.map(([group, effect]) => [group, effect - center])),
    pValue: chiSquareTail(statistic, byGroup.length - 1),
    strength: between / spread,
    method: 'group medians, Kruskal-Wallis test',
  };
}

/** Ranks from 1, ties share their mean rank. */
export function rank(values: readonly number[]): number[] {
  const order = values
    .map((_value, index) => index)
    .sort((left, right) => (values[left] as number) - (values[right] as number));
  const ranks = new Array<number>(values.length).fill(0);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1] as number] === values[order[from] as number]) to += 1;
    for (let index = from; index <= to; index += 1) ranks[order[index] as number] = (from + to) / 2 + 1;
    from = to + 1;
  }
  return ranks;
}

/** The upper tail of a chi-square distribution, exact for whole degrees of freedom (Abramowitz and Stegun 26.4.4 and 26.4.5). */
export function chiSquareTail(statistic: number, degrees: number): number {
  if (!(statistic > 0)) return 1;
  const half = statistic / 2;
  let term = degrees % 2 === 0 ? Math.exp(-half) : Math.sqrt((2 * statistic) / Math.PI) * Math.exp(-half);
  let sum = degrees % 2 === 0 ? term : 0;
  for (let step = degrees % 2 === 0 ? 2 : 3; step <= degrees - (degrees % 2 === 0 ? 1 : 0); step += 2) {
    if (degrees % 2 === 0) {
      term *= half / (step / 2);
      sum += term;
    } else {
      sum += term;
      term *= statistic / step;
    }
  }
  return degrees % 2 === 0 ? Math.min(1, sum) : Math.min(1, errorTail(Math.sqrt(half)) + sum);
}

/** The complementary error function (Numerical Recipes, Chebyshev fit; relative error below 1.2e-7). */
function errorTail(x: number): number {
  const t = 1 / (1 + 0.5 * x);
  const poly =
    -1.26551223 +
    t *
      (1.00002368 +
        t *
          (0.37409196 +
            t *
              (0.09678418 +
                t *
                  (-0.18628806 +
                    t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  return t * Math.exp(-x * x + poly);
}
