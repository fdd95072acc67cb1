import { decideWakes, type Schedule, type WakeDecision } from '@genie/core/schedule';

/** How late a wake may be and still count as on time. Servers look every second, and one may have been restarted. */
const graceMs = 60_000;
const maxDue = 1_000;
const maxCatchUp = 24;

/** What to do about every moment after `decidedUntil` up to `now`, by the policy of the schedule. */
export function decideDue(schedule: Schedule, decidedUntil: number, now: number): readonly WakeDecision[] {
  const { misfire, latenessLimitMs } = schedule;
  return decideWakes(dueBetween(schedule, decidedUntil, now), now, { misfire, latenessLimitMs, graceMs, maxCatchUp });
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
