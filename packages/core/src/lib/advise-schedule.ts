import type { ScheduleAdvice } from './genie.ts';
import type { Journal, JournalRun } from './journal/journal.ts';
import type { Trigger } from './run-record.ts';
import type { RunOutcome } from './run-state.ts';
import { type AskForScheduleDeps, askForSchedule } from './schedule/ask-for-schedule.ts';
import { recommendSchedule } from './schedule/recommend.ts';
import type { ScheduleOptions } from './schedule/schedule.ts';
import type { WakeObservation } from './schedule/wake-statistics.ts';

/** Turns the scheduled runs of a journal into advice, and asks the user. */
export async function adviseSchedule(
  deps: AskForScheduleDeps & { readonly journal: Journal },
  current: ScheduleOptions,
): Promise<ScheduleAdvice | undefined> {
  const wakes = (await deps.journal.list()).flatMap(observe);
  const recommendation = recommendSchedule({ wakes, current });
  if (!recommendation) return undefined;
  return { recommendation, approval: await askForSchedule(deps, recommendation) };
}

/** Only wakes of the schedule count: the user's own wakes say nothing about when it should wake by itself. */
function observe(run: JournalRun): readonly WakeObservation[] {
  const trigger = run.meta.trigger as Trigger | undefined;
  if (trigger?.kind !== 'schedule' || !run.closed) return [];
  const outcome = run.closed.outcome as unknown as RunOutcome;
  if (outcome.status !== 'completed' && outcome.status !== 'skipped') return [];
  return [
    {
      at: trigger.dueAt,
      woke: outcome.status === 'completed',
      items: outcome.briefing?.items.length ?? 0,
      ...(outcome.costUsd === undefined ? {} : { costUsd: outcome.costUsd }),
    },
  ];
}
