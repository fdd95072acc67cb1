import type { EventSink } from '../events/genie-event.ts';
import { type ErrorRecord, GenieError, toErrorRecord } from '../genie-error.ts';
import type { Clock } from '../ports/clock.ts';
import { DueWakes, type OnWake } from './due-wakes.ts';
import type { Schedule, ScheduleOptions } from './schedule.ts';
import { openWakeLog, type WakeLogFileSystem } from './wake-log.ts';

export interface SchedulerOptions {
  readonly schedule: ScheduleOptions | Schedule;
  readonly clock: Clock;
  /** The folder of `wakes.jsonl`, e.g. `<home>/schedule`. One scheduler at a time. */
  readonly dir: string;
  /**
   * Takes the wake: resolves when it is durably accepted, e.g. when the run with this wake's id is in the journal. Wakes that
   * become due before it resolves count as missed. Must not await `stop()`.
   */
  readonly onWake: OnWake;
  readonly events?: EventSink;
  /** Told about failed wakes, an unwritable log, unreadable lines. Default: nobody. */
  readonly onWarning?: (warning: ErrorRecord) => void;
  /** How late a wake may be and still count as on time. Default 10,000. */
  readonly graceMs?: number;
  /** The longest time without a look at the clock: notices sleep and clock changes. Default 30,000. */
  readonly tickMs?: number;
  /** How many missed wakes the policy `all` makes up for at most. Default 24. */
  readonly maxCatchUp?: number;
  /** Keeps the process alive between start and stop. Default false. */
  readonly keepAlive?: boolean;
  readonly fileSystem?: WakeLogFileSystem;
}

export interface Scheduler {
  /**
   * Reads the log, decides what was missed meanwhile, waits for the next wake. Rejects with `GENIE_SCHEDULE_INVALID` (the
   * schedule) or `GENIE_SCHEDULE_STORE` (the log).
   */
  start(): Promise<void>;
  /** No wake begins after it is called; resolves when the one under way has ended. May be called twice. */
  stop(): Promise<void>;
  /** Another schedule from now on; earlier moments of the new one do not count as missed. */
  reschedule(schedule: ScheduleOptions | Schedule): Promise<void>;
  /** When the next wake is due; undefined while stopped and after the last one. */
  next(): number | undefined;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * The scheduler of one process. Every wake is on disk before it is handed over and when it was taken, every missed one is on
 * disk too, so that no crash, sleep, restart or clock change makes a wake happen twice or vanish without a record.
 *
 * Throws `GENIE_SCHEDULE_INVALID` for a negative duration or limit.
 */
export function createScheduler(options: SchedulerOptions): Scheduler {
  return new FileScheduler(options);
}

class FileScheduler implements Scheduler {
  readonly #options: SchedulerOptions;
  readonly #limits: { readonly graceMs: number; readonly tickMs: number; readonly maxCatchUp: number };
  #schedule: Schedule | undefined;
  #wakes: DueWakes | undefined;
  #running: AbortController | undefined;
  #cancelTimer: (() => void) | undefined;
  #keepAlive: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(options: SchedulerOptions) {
    const { graceMs = 10_000, tickMs = 30_000, maxCatchUp = 24 } = options;
    this.#options = options;
    this.#limits = { graceMs, tickMs, maxCatchUp };
    for (const [name, value] of Object.entries(this.#limits)) {
      if (value >= 0) continue;
      throw new GenieError('GENIE_SCHEDULE_INVALID', `createScheduler: ${name} is ${value}; pass a number from 0.`);
    }
  }

  async start(): Promise<void> {
    if (this.#running) return;
    const running = new AbortController();
    this.#running = running;
    try {
      await this.#enqueue(() => this.#open());
    } catch (error) {
      this.#running = undefined;
      throw error;
    }
    if (running.signal.aborted) return;
    if (this.#options.keepAlive) this.#keepAlive = setInterval(() => undefined, 1_000_000_000);
    this.#look(running.signal);
  }

  async stop(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    clearInterval(this.#keepAlive);
    this.#running?.abort(new GenieError('GENIE_SCHEDULE_STOPPED', 'The scheduler was stopped.'));
    this.#running = undefined;
    await this.#work;
  }

  async reschedule(schedule: ScheduleOptions | Schedule): Promise<void> {
    const parsed = await toSchedule(schedule);
    // Not in the queue: a run may ask for its own next wake while it is the wake under way.
    this.#schedule = parsed;
    await this.#wakes?.arm(parsed);
    if (this.#running) this.#setTimer(this.#running.signal);
  }

  next(): number | undefined {
    return this.#running ? this.#nextAfter(this.#options.clock.now()) : undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #nextAfter(moment: number): number | undefined {
    let dueAt = this.#schedule?.next(moment);
    // After a clock that went back the first moments may have had their wake.
    while (dueAt !== undefined && this.#wakes?.isRecorded(dueAt)) dueAt = this.#schedule?.next(dueAt);
    return dueAt;
  }

  /** One thing at a time; a failure does not stop what comes after it. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    const result = this.#work.then(work);
    this.#work = result.catch(() => undefined);
    return result;
  }

  async #open(): Promise<void> {
    const { dir, fileSystem, clock, onWake, events = () => undefined } = this.#options;
    this.#schedule ??= await toSchedule(this.#options.schedule);
    const log = await openWakeLog({ dir, ...(fileSystem ? { fileSystem } : {}) });
    const onWarning = (warning: ErrorRecord): void => this.#warn(warning);
    if (log.unreadable > 0) {
      const message = `${log.unreadable} unreadable lines of ${dir}/wakes.jsonl were skipped.`;
      onWarning({ code: 'GENIE_SCHEDULE_CORRUPT', message, details: { dir, lines: log.unreadable } });
    }
    this.#wakes = new DueWakes({ log, clock, onWake, events, onWarning, ...this.#limits });
    await this.#wakes.arm(this.#schedule);
  }

  /** Looks at the clock now, then again when the next wake is due or the tick is over. */
  #look(signal: AbortSignal): void {
    const work = this.#enqueue(async () => {
      if (!signal.aborted && this.#schedule) await this.#wakes?.handle(this.#schedule, signal);
    });
    const onFailure = (error: unknown): void => {
      const record = toErrorRecord(error, 'GENIE_SCHEDULE_STORE');
      this.#warn({ ...record, message: `${record.message} What is due stays due and is tried again.` });
    };
    void work.then(
      () => this.#setTimer(signal),
      (error: unknown) => {
        onFailure(error);
        this.#setTimer(signal, this.#limits.tickMs);
      },
    );
  }

  #setTimer(signal: AbortSignal, leastMs = 1): void {
    this.#cancelTimer?.();
    if (signal.aborted) return;
    const { clock } = this.#options;
    const now = clock.now();
    // What became due during a long wake is looked at right away.
    const next = this.#nextAfter(Math.min(this.#wakes?.decidedUntil() ?? now, now)) ?? Number.POSITIVE_INFINITY;
    const delayMs = Math.min(Math.max(leastMs, next - now), this.#limits.tickMs);
    this.#cancelTimer = clock.schedule(delayMs, () => this.#look(signal));
  }

  #warn(warning: ErrorRecord): void {
    try {
      this.#options.onWarning?.(warning);
    } catch {
      // Whoever reports warnings must not stop the schedule.
    }
  }
}

/** The cron and schema libraries are loaded when the first schedule is read. */
async function toSchedule(schedule: ScheduleOptions | Schedule): Promise<Schedule> {
  if ('between' in schedule) return schedule;
  const { parseSchedule } = await import('./schedule.ts');
  return parseSchedule(schedule);
}
