/**
 * The chance that a second sample lies as far above the first one as it does when both come from the same source: the exact one-sided
 * rank-sum test (Mann and Whitney 1947). Equal values count half.
 */
export function chanceOfHigher(first: readonly number[], second: readonly number[]): number {
  let above = 0;
  for (const left of first) for (const right of second) above += right > left ? 1 : right === left ? 0.5 : 0;
  const counts = countArrangements(first.length, second.length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.slice(Math.floor(above)).reduce((sum, count) => sum + count, 0) / total;
}

/** How many orders of `m + n` values have each number of pairs in which one of the n stands above one of the m. */
function countArrangements(m: number, n: number): readonly number[] {
  // The generating function of the pairs: the product over i of (1 - q^(m+i)) / (1 - q^i).
  let counts = [1];
  for (let i = 1; i <= n; i += 1) {
    const longer = Array.from({ length: counts.length + m + i }, (_, index) => {
      return (counts[index] ?? 0) - (counts[index - m - i] ?? 0);
    });
    for (let index = i; index < longer.length; index += 1)
      longer[index] = (longer[index] ?? 0) + (longer[index - i] ?? 0);
    counts = longer.slice(0, m * i + 1);
  }
  return counts;
}
