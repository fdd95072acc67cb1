/** How sure an observation is: seen by a probe, judged by a model, or only claimed. */
export type Grade = 'measured' | 'estimated' | 'unverified';

/** Why there is no value. Only `not-applicable` and `pending` leave a run's verdict alone. */
export type NoDataKind = 'failed' | 'not-applicable' | 'pending';

/** One stored data point of a KPI, or the record that there was none. */
export interface Observation {
  readonly id: string;
  readonly kpiId: string;
  readonly unit: string;
  /** Epoch ms of the thing observed. */
  readonly at: number;
  /** Minutes east of UTC where the genie lived at `at`: days and hours are the user's, also across daylight saving. */
  readonly offsetMinutes: number;
  /** Epoch ms of the writing. Later than `at` for a late observation. */
  readonly recordedAt: number;
  /** Undefined means no data; `reason` says why. */
  readonly value?: number;
  /** The denominator behind `value`, for the aggregation `ratio`. */
  readonly weight?: number;
  readonly grade: Grade;
  /** What was looked at, e.g. `run:briefing.items` or `file:/data/report.md`. */
  readonly source: string;
  /** SHA-256 of the evidence, hex. */
  readonly evidenceHash?: string;
  /** Where the evidence is kept: `run:<id>`, `file:<path>`, or `evidence/<hash>.json` in the metrics folder. */
  readonly evidence?: string;
  readonly reason?: string;
  readonly noData?: NoDataKind;
  readonly runId?: string;
}

/** Days since 1970-01-01 on the user's calendar. */
export function localDay(at: number, offsetMinutes: number): number {
  return Math.floor((at + offsetMinutes * 60_000) / 86_400_000);
}

/** `YYYY-MM-DD` of a day number. */
export function dayToDate(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

/** The day number of a `YYYY-MM-DD` date; NaN when it is none. */
export function dateToDay(date: string): number {
  return Math.floor(Date.parse(`${date}T00:00:00Z`) / 86_400_000);
}

/** Sums of squares of larger values would overflow. */
const largest = 1e100;

/** True for a number that can be stored and added up: finite, and not beyond 1e100. */
export function isMeasurable(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= largest;
}

/** True for epoch milliseconds that a calendar can show (ECMA-262, time values). */
export function isTime(at: unknown): at is number {
  return typeof at === 'number' && Number.isSafeInteger(at) && Math.abs(at) <= 8.64e15 - 86_400_000;
}

/** True for a denominator: finite and above 0. */
export function isWeight(weight: unknown): weight is number {
  return isMeasurable(weight) && weight > 0;
}

export const grades: readonly unknown[] = ['measured', 'estimated', 'unverified'] satisfies readonly Grade[];
