import type { MisfirePolicy } from './schedule.ts';

export interface MisfireRules {
  readonly misfire: MisfirePolicy;
  readonly latenessLimitMs: number;
  /** A newest wake that is at most this late is on time. */
  readonly graceMs: number;
  /** How many missed wakes `all` makes up for at most. */
  readonly maxCatchUp: number;
}

export interface WakeDecision {
  readonly dueAt: number;
  readonly lateMs: number;
  /** `fire` is on time, `run` makes up for a missed wake, `skipped` does not. */
  readonly action: 'fire' | 'run' | 'skipped';
}

/**
 * What to do with the wakes that are due now, oldest first. Only the newest can be on time; the others were missed.
 * `once` makes up for them with one wake: the one on time if there is one, else the newest that is not too late.
 */
export function decideWakes(dueTimes: readonly number[], now: number, rules: MisfireRules): readonly WakeDecision[] {
  const newest = dueTimes.at(-1);
  if (newest === undefined) return [];
  const isOnTime = now - newest <= rules.graceMs;
  const missed = isOnTime ? dueTimes.slice(0, -1) : dueTimes;
  const recent = missed.filter((dueAt) => now - dueAt <= rules.latenessLimitMs);
  const madeUp = new Set(recent.slice(Math.max(0, recent.length - roomFor(rules, isOnTime))));
  return dueTimes.map((dueAt) => ({
    dueAt,
    lateMs: Math.max(0, now - dueAt),
    action: isOnTime && dueAt === newest ? 'fire' : madeUp.has(dueAt) ? 'run' : 'skipped',
  }));
}

function roomFor({ misfire, maxCatchUp }: MisfireRules, isOnTime: boolean): number {
  switch (misfire) {
    case 'skip':
      return 0;
    case 'once':
      return isOnTime ? 0 : 1;
    case 'all':
      return maxCatchUp;
    default:
      return misfire satisfies never;
  }
}
