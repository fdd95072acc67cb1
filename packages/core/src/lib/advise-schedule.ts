import type { ScheduleAdvice } from './genie.ts';
import type { Journal } from './journal/journal.ts';
import { type AskForScheduleDeps, askForSchedule } from './schedule/ask-for-schedule.ts';
import { recommendSchedule } from './schedule/recommend.ts';
import type { ScheduleOptions } from './schedule/schedule.ts';
import { wakesOfRuns } from './schedule/wake-history.ts';

/** Turns the scheduled runs of a journal into advice, and asks the user. */
export async function adviseSchedule(
  deps: AskForScheduleDeps & { readonly journal: Journal },
  current: ScheduleOptions,
): Promise<ScheduleAdvice | undefined> {
  const wakes = wakesOfRuns(await deps.journal.list());
  const recommendation = recommendSchedule({ wakes, current });
  if (!recommendation) return undefined;
  return { recommendation, approval: await askForSchedule(deps, recommendation) };
}
