import type { Approval, Approvals, ApprovalsOptions } from '../approvals/approvals.ts';
import type { EventSink } from '../events/genie-event.ts';
import type { Clock } from '../ports/clock.ts';
import type { ScheduleRecommendation } from './recommend.ts';
import { parseSchedule, type Schedule, type ScheduleOptions } from './schedule.ts';

export interface AskForScheduleDeps {
  readonly approvals: Approvals;
  readonly events: EventSink;
  readonly clock: Pick<Clock, 'now'>;
  readonly genieId: string;
}

/**
 * Puts a recommended schedule before the user: one approval of the kind `schedule`, however often it is recommended before
 * the decision. Nothing changes until {@link approvedSchedule} gives it to a scheduler.
 */
export async function askForSchedule(
  { approvals, events, clock, genieId }: AskForScheduleDeps,
  recommendation: ScheduleRecommendation,
  options?: ApprovalsOptions,
): Promise<Approval> {
  const { cron, timezone, reason } = recommendation;
  const payload = { cron, timezone };
  const approval = await approvals.request(
    {
      action: { kind: 'schedule', genieId, subject: 'schedule:recommended', payload },
      title: `Wake at "${cron}" (${timezone})`,
      claim: reason,
    },
    options,
  );
  if (approval.status === 'pending')
    events({ type: 'schedule.recommended', at: clock.now(), source: 'core.schedule', cron, reason });
  return approval;
}

/**
 * The schedule that the user allowed, with the user's edits; undefined while undecided and when denied. Members that the
 * user did not touch come from `current`. Throws `GENIE_SCHEDULE_INVALID` for an edit that is no schedule.
 */
export function approvedSchedule(approval: Approval, current: ScheduleOptions): Schedule | undefined {
  if (approval.status !== 'allowed' && approval.status !== 'used') return undefined;
  const chosen: unknown = { ...current, ...approval.action.payload, ...approval.decision?.edited };
  // Whatever the user typed is checked here.
  return parseSchedule(chosen as ScheduleOptions);
}
