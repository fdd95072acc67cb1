import type { Clock } from '@genie/core';

export interface AskLimit {
  readonly times: number;
  readonly inMs: number;
}

/** How often something may be asked. */
export interface AskBudget {
  /** False when the budget is used up; then nothing is counted. */
  spend(): boolean;
}

/** All limits hold at once. */
export function createAskBudget(clock: Clock, limits: readonly AskLimit[]): AskBudget {
  const longestMs = Math.max(...limits.map(({ inMs }) => inMs));
  let asked: number[] = [];
  return {
    spend() {
      const now = clock.elapsed();
      asked = asked.filter((time) => time > now - longestMs);
      const isOver = limits.some(({ times, inMs }) => asked.filter((time) => time > now - inMs).length >= times);
      if (!isOver) asked.push(now);
      return !isOver;
    },
  };
}
