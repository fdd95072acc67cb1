import type { Schedule } from './schedule.ts';

/** A past wake, as the recommender needs it. */
export interface WakeObservation {
  /** When it happened, epoch ms. */
  readonly at: number;
  /** False when the wake gate ended it before any model call. */
  readonly woke: boolean;
  /** New things it found; 0 for a wake that was for nothing. */
  readonly items: number;
  readonly costUsd?: number;
}

/** A local time. Weekdays count from Sunday, 0, as in cron. */
export interface LocalTime {
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

export interface WakeStatistics {
  readonly wakes: number;
  /** Wakes that found something. */
  readonly found: number;
  readonly spanMs: number;
  readonly itemsPerFind: number;
  /** Mean cost of a wake; undefined when no wake has a cost. */
  readonly usdPerWake: number | undefined;
  readonly byHour: ReadonlyMap<number, Tally>;
  readonly byWeekday: ReadonlyMap<number, Tally>;
  /** When something was found, epoch ms, oldest first. */
  readonly finds: readonly number[];
}

export interface Tally {
  readonly wakes: number;
  readonly found: number;
}

const weekdayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Reads local times in one zone. */
export function createLocalClock(timezone: string): (at: number) => LocalTime {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  });
  return (at) => {
    const parts = new Map(format.formatToParts(at).map((part) => [part.type, part.value]));
    return {
      weekday: weekdayNames.indexOf(parts.get('weekday') ?? ''),
      hour: Number(parts.get('hour')),
      minute: Number(parts.get('minute')),
    };
  };
}

export function countWakes(wakes: readonly WakeObservation[], timezone: string): WakeStatistics {
  const localTimeOf = createLocalClock(timezone);
  const byHour = new Map<number, Tally>();
  const byWeekday = new Map<number, Tally>();
  const finds = wakes.filter((wake) => wake.items > 0);
  const costs = wakes.flatMap((wake) => wake.costUsd ?? []);
  for (const wake of wakes) {
    const { hour, weekday } = localTimeOf(wake.at);
    add(byHour, hour, wake);
    add(byWeekday, weekday, wake);
  }
  const times = wakes.map((wake) => wake.at);
  return {
    wakes: wakes.length,
    found: finds.length,
    spanMs: wakes.length === 0 ? 0 : Math.max(...times) - Math.min(...times),
    itemsPerFind: finds.length === 0 ? 0 : sum(finds.map((wake) => wake.items)) / finds.length,
    usdPerWake: costs.length === 0 ? undefined : sum(costs) / wakes.length,
    byHour,
    byWeekday,
    finds: finds.map((wake) => wake.at).sort((left, right) => left - right),
  };
}

/** The local times at which a schedule wakes in the week after the moment. */
export function weekOf(schedule: Schedule, from: number, maxWakes: number): readonly LocalTime[] {
  const localTimeOf = createLocalClock(schedule.timezone);
  return schedule.between(from, from + 7 * 24 * 60 * 60 * 1000, maxWakes).map(localTimeOf);
}

/** How much later than it was found the schedule would have found each thing; the longest of them, in ms. */
export function longestDelayMs(schedule: Schedule, finds: readonly number[]): number {
  return finds.reduce((longest, at) => Math.max(longest, (schedule.next(at - 1) ?? at) - at), 0);
}

function add(tallies: Map<number, Tally>, key: number, wake: WakeObservation): void {
  const { wakes, found } = tallies.get(key) ?? { wakes: 0, found: 0 };
  tallies.set(key, { wakes: wakes + 1, found: found + (wake.items > 0 ? 1 : 0) });
}

function sum(values: readonly number[]): number {
  // Sorted, so that the order of the history does not show in the last digit.
  return [...values].sort((left, right) => left - right).reduce((total, value) => total + value, 0);
}
