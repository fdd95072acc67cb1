import type { Genie } from './genie.ts';
import type { ErrorRecord } from './genie-error.ts';
import type { Clock } from './ports/clock.ts';
import type { ScheduleOptions } from './schedule/schedule.ts';
import { createScheduler, type Scheduler } from './schedule/scheduler.ts';

export interface WakerDeps {
  readonly genie: Genie;
  readonly schedule: ScheduleOptions;
  readonly clock: Clock;
  /** `<home>/schedule`. */
  readonly folder: string;
  readonly onWarning: ((warning: ErrorRecord) => void) | undefined;
  readonly keepAlive: boolean;
}

/**
 * Wakes a genie by its schedule, in this process. The id of a scheduled run comes from its due time, so a wake that is
 * handed over twice (a crash in between) resumes the same run instead of starting a second one.
 */
export function createWaker({ genie, schedule, clock, folder, onWarning, keepAlive }: WakerDeps): Scheduler {
  return createScheduler({
    schedule,
    clock,
    dir: folder,
    keepAlive,
    events: genie.events.emit,
    ...(onWarning ? { onWarning } : {}),
    onWake: (dueAt, { id }) => accepted(genie, `${id}_${genie.id}`, dueAt),
  });
}

/** Resolves once the run is in the journal: from then on a crash cannot lose it. */
function accepted(genie: Genie, runId: string, dueAt: number): Promise<void> {
  return new Promise((resolve) => {
    const settle = (event: { readonly runId: string }) => {
      if (event.runId === runId) finish();
    };
    const stopStarted = genie.events.on('run.started', settle);
    const stopResumed = genie.events.on('run.resumed', settle);
    const finish = () => {
      stopStarted();
      stopResumed();
      resolve();
    };
    void genie.run({ kind: 'schedule', dueAt }, { runId }).outcome.then(finish);
  });
}
