import type { EventSink, GenieEvent } from '../events/genie-event.ts';
import { describeThrown, type ErrorRecord, GenieError, toErrorRecord } from '../genie-error.ts';
import type { Clock } from '../ports/clock.ts';
import { decideWakes, type WakeDecision } from './misfire.ts';
import type { Schedule, ScheduleOptions } from './schedule.ts';
import { openWakeLog, type WakeLog, type WakeLogFileSystem } from './wake-log.ts';
import { type WakeRecord, wakeIdOf } from './wake-records.ts';
import { createWakeState, type WakeState } from './wake-state.ts';

/** What `onWake` is told about the wake. */
export interface WakeContext {
  /** The same for the same due time, always: a consumer that has seen it before has nothing to do. */
  readonly id: string;
  readonly lateMs: number;
  /** True when the moment was missed and the policy makes up for it. */
  readonly late: boolean;
  /** True when a crash or `stop()` left it open whether this wake was taken; the consumer decides by the id. */
  readonly again: boolean;
  /** Aborts on `stop()`. */
  readonly signal: AbortSignal;
}

export interface SchedulerOptions {
  readonly schedule: ScheduleOptions | Schedule;
  readonly clock: Clock;
  /** The folder of `wakes.jsonl`, e.g. `<home>/schedule`. */
  readonly dir: string;
  /** Takes the wake: resolves when it is durably accepted, e.g. when the run with this wake's id is in the journal. */
  readonly onWake: (dueAt: number, context: WakeContext) => Promise<void> | void;
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
  /** Reads the log, decides what was missed meanwhile, waits for the next wake. Rejects with `GENIE_SCHEDULE_INVALID` or `GENIE_SCHEDULE_STORE`. */
  start(): Promise<void>;
  /** No wake begins after it is called; resolves when the one under way has ended. May be called twice. */
  stop(): Promise<void>;
  /** Another schedule from now on; earlier moments of the new one do not count as missed. */
  reschedule(schedule: ScheduleOptions | Schedule): Promise<void>;
  /** When the next wake is due; undefined before the start and after the last one. */
  next(): number | undefined;
  [Symbol.asyncDispose](): Promise<void>;
}

/** More missed wakes than this at once are recorded as one line. */
const maxDueTimes = 1_000;
const source = 'core.schedule';

/**
 * The scheduler of one process. Every wake is on disk before it is handed over and when it was taken, every missed one is on
 * disk too, so that no crash, sleep, restart or clock change makes a wake happen twice or vanish without a record.
 */
export function createScheduler(options: SchedulerOptions): Scheduler {
  return new FileScheduler(options);
}

class FileScheduler implements Scheduler {
  readonly #options: SchedulerOptions;
  readonly #rules: { readonly graceMs: number; readonly maxCatchUp: number };
  readonly #tickMs: number;
  #schedule: Schedule | undefined;
  #log: WakeLog | undefined;
  #state: WakeState | undefined;
  /** Everything up to here is decided. Follows a clock that goes back; the recorded ids keep wakes from doubling. */
  #cursor = 0;
  #cancelTimer: (() => void) | undefined;
  #keepAlive: NodeJS.Timeout | undefined;
  #stopping: AbortController | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#rules = { graceMs: options.graceMs ?? 10_000, maxCatchUp: options.maxCatchUp ?? 24 };
    this.#tickMs = options.tickMs ?? 30_000;
    for (const [name, value] of Object.entries({ ...this.#rules, tickMs: this.#tickMs })) {
      if (value >= 0) continue;
      throw new GenieError('GENIE_SCHEDULE_INVALID', `createScheduler: ${name} is ${value}; pass a number from 0.`);
    }
  }

  async start(): Promise<void> {
    if (this.#stopping) return;
    const stopping = new AbortController();
    this.#stopping = stopping;
    if (this.#options.keepAlive) this.#keepAlive = setInterval(() => undefined, 1_000_000_000);
    try {
      await this.#enqueue(() => this.#open());
    } catch (error) {
      clearInterval(this.#keepAlive);
      this.#stopping = undefined;
      throw error;
    }
    this.#look(stopping.signal);
  }

  async stop(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    clearInterval(this.#keepAlive);
    this.#stopping?.abort(new GenieError('GENIE_SCHEDULE_STOPPED', 'The scheduler was stopped.'));
    this.#stopping = undefined;
    await this.#work;
  }

  async reschedule(schedule: ScheduleOptions | Schedule): Promise<void> {
    const parsed = await toSchedule(schedule);
    await this.#enqueue(async () => {
      this.#schedule = parsed;
      if (this.#log) await this.#arm(parsed);
    });
    if (this.#stopping) this.#look(this.#stopping.signal);
  }

  next(): number | undefined {
    if (!this.#schedule || !this.#stopping) return undefined;
    return this.#schedule.next(this.#options.clock.now());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** One thing at a time; a failure does not stop what comes after it. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    const result = this.#work.then(work);
    this.#work = result.catch(() => undefined);
    return result;
  }

  async #open(): Promise<void> {
    const { dir, fileSystem, clock } = this.#options;
    const schedule = this.#schedule ?? (await toSchedule(this.#options.schedule));
    const log = await openWakeLog({ dir, ...(fileSystem ? { fileSystem } : {}) });
    this.#schedule = schedule;
    this.#log = log;
    this.#state = createWakeState(log.records);
    if (log.unreadable > 0) {
      this.#warn(
        'GENIE_SCHEDULE_CORRUPT',
        `${log.unreadable} lines of ${dir}/wakes.jsonl are unreadable and were skipped.`,
      );
    }
    const armed = this.#state.armed();
    if (armed?.cron !== schedule.cron || armed.timezone !== schedule.timezone) await this.#arm(schedule);
    this.#cursor = Math.min(this.#state.decidedUntil() ?? clock.now(), clock.now());
  }

  async #arm({ cron, timezone }: Schedule): Promise<void> {
    const at = this.#options.clock.now();
    await this.#record([{ kind: 'armed', at, cron, timezone }]);
    this.#cursor = at;
  }

  /** Looks at the clock now, then again when the next wake is due or the tick is over. */
  #look(signal: AbortSignal): void {
    this.#cancelTimer?.();
    void this.#enqueue(async () => {
      if (!signal.aborted) await this.#wakeWhatIsDue(signal);
    })
      .catch((error: unknown) => {
        const { code, message } = toErrorRecord(error, 'GENIE_SCHEDULE_STORE');
        this.#warn(code, `${message} The wake stays due; trying again.`);
      })
      .finally(() => {
        if (signal.aborted) return;
        this.#cancelTimer?.();
        const now = this.#options.clock.now();
        const next = this.#schedule?.next(now) ?? Number.POSITIVE_INFINITY;
        this.#cancelTimer = this.#options.clock.schedule(Math.min(Math.max(1, next - now), this.#tickMs), () =>
          this.#look(signal),
        );
      });
  }

  async #wakeWhatIsDue(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const schedule = this.#schedule;
    const state = this.#state;
    if (!schedule || !state) return;
    await this.#wakeWhatIsOpen(schedule, state, signal);
    const now = clock.now();
    this.#cursor = Math.min(this.#cursor, now);
    const dueTimes = schedule.between(this.#cursor, now, maxDueTimes);
    const open = dueTimes.filter((dueAt) => !state.isRecorded(wakeIdOf(dueAt)));
    const decisions = decideWakes(open, now, { ...this.#rules, ...schedule });
    await this.#record([
      ...(dueTimes.length < maxDueTimes
        ? []
        : ([{ kind: 'missed-many', at: now, from: this.#cursor, to: (dueTimes[0] ?? now) - 1 }] as const)),
      ...decisions.flatMap((decision) => missedRecord(decision, now)),
    ]);
    this.#cursor = now;
    for (const { dueAt, lateMs, action } of decisions) {
      if (action !== 'fire') this.#emit({ type: 'schedule.missed', at: now, source, dueAt, lateMs, action });
    }
    for (const decision of decisions) {
      if (decision.action === 'skipped') continue;
      await this.#wake(decision.dueAt, { late: decision.action === 'run', again: false, signal });
      if (signal.aborted) return;
    }
  }

  /** Hands over what an earlier process recorded and did not finish. */
  async #wakeWhatIsOpen(schedule: Schedule, state: WakeState, signal: AbortSignal): Promise<void> {
    for (const { id, dueAt } of state.pending()) {
      if (signal.aborted) return;
      const at = this.#options.clock.now();
      const lateMs = Math.max(0, at - dueAt);
      if (lateMs > Math.max(schedule.latenessLimitMs, this.#rules.graceMs)) {
        await this.#record([{ kind: 'done', id, at, status: 'abandoned' }]);
        this.#emit({ type: 'schedule.missed', at, source, dueAt, lateMs, action: 'skipped' });
      } else {
        await this.#wake(dueAt, { late: lateMs > this.#rules.graceMs, again: true, signal });
      }
    }
  }

  async #wake(dueAt: number, how: Pick<WakeContext, 'late' | 'again' | 'signal'>): Promise<void> {
    const { clock, onWake } = this.#options;
    const id = wakeIdOf(dueAt);
    const at = clock.now();
    const lateMs = Math.max(0, at - dueAt);
    await this.#record([{ kind: 'fired', id, at, dueAt, lateMs }]);
    if (how.signal.aborted) return;
    this.#emit({ type: 'schedule.fired', at, source, dueAt, lateMs });
    try {
      await onWake(dueAt, { id, lateMs, ...how });
    } catch (error) {
      // Stopped in the middle: whether the wake was taken is open, so it stays open in the log.
      if (how.signal.aborted) return;
      const record = toErrorRecord(error, 'GENIE_SCHEDULE_WAKE');
      this.#warn('GENIE_SCHEDULE_WAKE', `The wake ${id} failed: ${describeThrown(error)}`);
      await this.#record([{ kind: 'done', id, at: clock.now(), status: 'failed', error: record }]);
      return;
    }
    await this.#record([{ kind: 'done', id, at: clock.now(), status: 'accepted' }]);
  }

  async #record(records: readonly WakeRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.#log?.append(records);
    for (const record of records) this.#state?.note(record);
  }

  #emit(event: GenieEvent): void {
    this.#options.events?.(event);
  }

  #warn(code: ErrorRecord['code'], message: string): void {
    this.#options.onWarning?.({ code, message });
  }
}

function missedRecord({ dueAt, lateMs, action }: WakeDecision, at: number): readonly WakeRecord[] {
  if (action === 'fire') return [];
  return [{ kind: 'missed', id: wakeIdOf(dueAt), at, dueAt, lateMs, action }];
}

/** The cron and schema libraries are loaded when the first schedule is read. */
async function toSchedule(schedule: ScheduleOptions | Schedule): Promise<Schedule> {
  if ('between' in schedule) return schedule;
  const { parseSchedule } = await import('./schedule.ts');
  return parseSchedule(schedule);
}
