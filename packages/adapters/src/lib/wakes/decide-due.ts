import type { Schedule } from '@genie/core/schedule';

export interface DueDecision {
  readonly dueAt: number;
  readonly lateMs: number;
  /** `fire`: on time. `run`: missed, and made up for. `skipped`: missed, and only recorded. */
  readonly action: 'fire' | 'run' | 'skipped';
}

/** How late a wake may be and still count as on time. Servers look every second, and one may have been restarted. */
const graceMs = 60_000;
const maxDue = 1_000;
const maxCatchUp = 24;

/**
 * What to do about every moment after `decidedUntil` up to `now`. Only the newest can be on time; the others were missed, and the schedule's own policy
 * says whether they are made up for: `once` by one wake, the one on time if there is one.
 */
export function decideDue(schedule: Schedule, decidedUntil: number, now: number): readonly DueDecision[] {
  const due = dueBetween(schedule, decidedUntil, now);
  const newest = due.at(-1);
  if (newest === undefined) return [];
  const isOnTime = now - newest <= graceMs;
  const missed = isOnTime ? due.slice(0, -1) : due;
  const recent = missed.filter((dueAt) => now - dueAt <= schedule.latenessLimitMs);
  const room = { skip: 0, once: isOnTime ? 0 : 1, all: maxCatchUp }[schedule.misfire];
  const madeUp = new Set(recent.slice(Math.max(0, recent.length - room)));
  return due.map((dueAt): DueDecision => {
    const lateMs = Math.max(0, now - dueAt);
    if (isOnTime && dueAt === newest) return { dueAt, lateMs, action: 'fire' };
    return { dueAt, lateMs, action: madeUp.has(dueAt) ? 'run' : 'skipped' };
  });
}

/** The usual one or two moments are found going forward, which costs a twentieth of looking back; after a long silence the newest ones count. */
function dueBetween(schedule: Schedule, after: number, until: number): readonly number[] {
  const found: number[] = [];
  let dueAt = schedule.next(after);
  while (dueAt !== undefined && dueAt <= until) {
    found.push(dueAt);
    if (found.length > 16) return schedule.between(after, until, maxDue);
    dueAt = schedule.next(dueAt);
  }
  return found;
}
