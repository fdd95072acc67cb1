import type { Genie } from './genie.ts';
import type { Clock } from './ports/clock.ts';
import { parseSchedule, type ScheduleOptions } from './schedule/schedule.ts';

/** Wakes a genie by its schedule, in this process. */
export interface Waker {
  start(): void;
  stop(): void;
  close(): Promise<void>;
}

export function createWaker(deps: {
  readonly genie: Genie;
  readonly schedule: ScheduleOptions;
  readonly clock: Clock;
  readonly folder: string | undefined;
}): Waker {
  const schedule = parseSchedule(deps.schedule);
  return { start: () => void schedule, stop: () => undefined, close: async () => undefined };
}
