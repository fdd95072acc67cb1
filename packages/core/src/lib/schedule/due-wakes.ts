import type { EventSink } from '../events/genie-event.ts';
import { describeThrown, type ErrorRecord, toErrorRecord } from '../genie-error.ts';
import type { Clock } from '../ports/clock.ts';
import { decideWakes, type WakeDecision } from './misfire.ts';
import type { Schedule } from './schedule.ts';
import type { WakeLog } from './wake-log.ts';
import { type WakeRecord, wakeIdOf } from './wake-records.ts';
import { createWakeState, decidedUntil, type WakeState } from './wake-state.ts';

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

export type OnWake = (dueAt: number, context: WakeContext) => Promise<void> | void;

interface DueWakesDeps {
  readonly log: WakeLog;
  readonly clock: Clock;
  readonly onWake: OnWake;
  readonly events: EventSink;
  readonly onWarning: (warning: ErrorRecord) => void;
  readonly graceMs: number;
  readonly maxCatchUp: number;
}

type Handover = Pick<WakeContext, 'late' | 'again' | 'signal'>;

/** More missed wakes than this at once are recorded as one line. */
const maxDueTimes = 1_000;
const source = 'core.schedule';

/** Decides, records and hands over the wakes that are due. Calls of `handle` must not overlap. */
export class DueWakes {
  readonly #deps: DueWakesDeps;
  readonly #state: WakeState;
  /** Ends that the log could not take yet: these wakes were handed over and must not be again. */
  readonly #unsaved = new Map<string, WakeRecord>();
  /** Everything up to here is decided. Follows a clock that goes back; the recorded ids keep wakes from doubling. */
  #cursor: number;

  constructor(deps: DueWakesDeps) {
    this.#deps = deps;
    this.#state = createWakeState(deps.log.records);
    const now = deps.clock.now();
    this.#cursor = decidedUntil(deps.log.records, now) ?? now;
  }

  /** From now on this schedule counts. Nothing happens when it is the one that counts already. */
  async arm({ cron, timezone }: Schedule): Promise<void> {
    const armed = this.#state.armed();
    if (armed?.cron === cron && armed.timezone === timezone) return;
    const at = this.#deps.clock.now();
    await this.#record([{ kind: 'armed', at, cron, timezone }]);
    this.#cursor = at;
  }

  decidedUntil(): number {
    return this.#cursor;
  }

  isRecorded(dueAt: number): boolean {
    return this.#state.isRecorded(wakeIdOf(dueAt));
  }

  async handle(schedule: Schedule, signal: AbortSignal): Promise<void> {
    await this.#handOverWhatIsOpen(schedule, signal);
    const { clock, events, graceMs, maxCatchUp } = this.#deps;
    const now = clock.now();
    this.#cursor = Math.min(this.#cursor, now);
    const dueTimes = schedule.between(this.#cursor, now, maxDueTimes);
    const open = dueTimes.filter((dueAt) => !this.isRecorded(dueAt));
    const { misfire, latenessLimitMs } = schedule;
    const decisions = decideWakes(open, now, { misfire, latenessLimitMs, graceMs, maxCatchUp });
    // One write, before anything is handed over: what is lost in a crash after it is handed over by the next process.
    await this.#record([...this.#missedBefore(schedule, dueTimes, now), ...decisions.map((one) => recordOf(one, now))]);
    // Another schedule may have been armed while the disk was busy.
    this.#cursor = Math.max(this.#cursor, now);
    for (const { dueAt, lateMs, action } of decisions) {
      if (action !== 'fire') events({ type: 'schedule.missed', at: now, source, dueAt, lateMs, action });
    }
    for (const { dueAt, action } of decisions) {
      if (signal.aborted) return;
      if (action === 'run') await this.#recordFired(dueAt);
      if (action !== 'skipped') await this.#handOver(dueAt, { late: action === 'run', again: false, signal });
    }
  }

  #missedBefore(schedule: Schedule, dueTimes: readonly number[], now: number): readonly WakeRecord[] {
    const [oldest] = dueTimes;
    if (oldest === undefined || dueTimes.length < maxDueTimes) return [];
    if (schedule.between(this.#cursor, oldest - 1, 1).length === 0) return [];
    return [{ kind: 'missed-many', at: now, from: this.#cursor, to: oldest - 1 }];
  }

  /** What an earlier process recorded and did not finish. */
  async #handOverWhatIsOpen(schedule: Schedule, signal: AbortSignal): Promise<void> {
    await this.#saveEnds();
    const { clock, events, graceMs } = this.#deps;
    for (const { id, dueAt } of this.#state.pending()) {
      if (signal.aborted) return;
      const at = clock.now();
      const lateMs = Math.max(0, at - dueAt);
      if (lateMs > Math.max(schedule.latenessLimitMs, graceMs)) {
        await this.#record([{ kind: 'done', id, at, status: 'abandoned' }]);
        events({ type: 'schedule.missed', at, source, dueAt, lateMs, action: 'skipped' });
      } else {
        await this.#recordFired(dueAt);
        await this.#handOver(dueAt, { late: lateMs > graceMs, again: true, signal });
      }
    }
  }

  async #recordFired(dueAt: number): Promise<void> {
    const at = this.#deps.clock.now();
    await this.#record([{ kind: 'fired', id: wakeIdOf(dueAt), at, dueAt, lateMs: Math.max(0, at - dueAt) }]);
  }

  async #handOver(dueAt: number, how: Handover): Promise<void> {
    if (how.signal.aborted) return;
    const { clock, events, onWake } = this.#deps;
    const id = wakeIdOf(dueAt);
    const at = clock.now();
    const lateMs = Math.max(0, at - dueAt);
    events({ type: 'schedule.fired', at, source, dueAt, lateMs });
    try {
      await onWake(dueAt, { id, lateMs, ...how });
      this.#unsaved.set(id, { kind: 'done', id, at: clock.now(), status: 'accepted' });
    } catch (error) {
      // Stopped in the middle: whether the wake was taken is open, so it stays open in the log.
      if (how.signal.aborted) return;
      const record = toErrorRecord(error, 'GENIE_SCHEDULE_WAKE');
      this.#unsaved.set(id, { kind: 'done', id, at: clock.now(), status: 'failed', error: record });
      const message = `The wake ${id} failed: ${describeThrown(error)}. It is not repeated; the next one comes as planned.`;
      this.#deps.onWarning({ code: 'GENIE_SCHEDULE_WAKE', message, details: { id, dueAt } });
    }
    await this.#saveEnds();
  }

  async #saveEnds(): Promise<void> {
    const ends = [...this.#unsaved.values()];
    await this.#record(ends);
    this.#unsaved.clear();
  }

  async #record(records: readonly WakeRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.#deps.log.append(records);
    for (const record of records) this.#state.note(record);
  }
}

function recordOf({ dueAt, lateMs, action }: WakeDecision, at: number): WakeRecord {
  const id = wakeIdOf(dueAt);
  return action === 'fire'
    ? { kind: 'fired', id, at, dueAt, lateMs }
    : { kind: 'missed', id, at, dueAt, lateMs, action };
}
