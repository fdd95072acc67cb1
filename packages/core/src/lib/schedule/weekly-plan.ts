import type { LocalTime, Tally } from './wake-statistics.ts';

/** Wakes at each of the minutes of each of the hours on each of the weekdays; all ascending. */
export interface WeeklyPlan {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly weekdays: readonly number[];
}

const weekdayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

export function planOf(week: readonly LocalTime[]): WeeklyPlan {
  return {
    minutes: distinct(week.map((time) => time.minute)),
    hours: distinct(week.map((time) => time.hour)),
    weekdays: distinct(week.map((time) => time.weekday)),
  };
}

export function planToCron({ minutes, hours, weekdays }: WeeklyPlan): string {
  const hourField = hours.length === 24 ? '*' : ranges(hours);
  const weekdayField = weekdays.length === 7 ? '*' : ranges(weekdays);
  return `${minutes.length === 60 ? '*' : ranges(minutes)} ${hourField} * * ${weekdayField}`;
}

/**
 * The values that brought `share` of the findings, the best first, and those that were tried too seldom to be judged.
 * All of them when nothing was found.
 */
export function worthKeeping(
  values: readonly number[],
  tallies: ReadonlyMap<number, Tally>,
  rules: { readonly share: number; readonly leastTries: number },
): readonly number[] {
  const foundAt = (value: number): number => tallies.get(value)?.found ?? 0;
  const total = values.reduce((sum, value) => sum + foundAt(value), 0);
  if (total === 0) return values;
  const kept: number[] = [];
  let covered = 0;
  for (const value of [...values].sort((left, right) => foundAt(right) - foundAt(left) || left - right)) {
    const isUnknown = (tallies.get(value)?.wakes ?? 0) < rules.leastTries;
    if (covered < rules.share * total || isUnknown) kept.push(value);
    covered += foundAt(value);
  }
  return kept.sort((left, right) => left - right);
}

/** So many of the values, evenly apart, the first included. */
export function spread(values: readonly number[], count: number): readonly number[] {
  return values.filter(
    (_value, index) =>
      Math.floor((index * count) / values.length) !== Math.floor(((index - 1) * count) / values.length),
  );
}

/** Between each two hours that are at least two apart one more; to a single hour a second, six hours later. */
export function withHoursBetween(hours: readonly number[]): readonly number[] {
  const [only] = hours;
  if (hours.length === 1 && only !== undefined) return distinct([only, (only + 6) % 24]);
  const between = hours.flatMap((hour, index) => {
    const next = hours[index + 1];
    return next === undefined || next - hour < 2 ? [] : [hour + Math.floor((next - hour) / 2)];
  });
  return distinct([...hours, ...between]);
}

/** e.g. `on Monday to Friday at 07:00, 09:00`. */
export function planToWords({ minutes, hours, weekdays }: WeeklyPlan): string {
  const times = hours.flatMap((hour) => minutes.map((minute) => `${twoDigits(hour)}:${twoDigits(minute)}`));
  const shown =
    times.length > 8 ? `${times.length} times between ${times[0]} and ${times.at(-1)}` : `at ${times.join(', ')}`;
  return `${shown} ${weekdaysToWords(weekdays)}`;
}

function weekdaysToWords(weekdays: readonly number[]): string {
  if (weekdays.length === 7) return 'every day';
  const [first, last] = [weekdays[0] ?? 0, weekdays.at(-1) ?? 0];
  const isRun = weekdays.length > 2 && last - first === weekdays.length - 1;
  const names = weekdays.map((weekday) => weekdayNames[weekday]);
  return `on ${isRun ? `${names[0]} to ${names.at(-1)}` : names.join(', ')}`;
}

function distinct(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((left, right) => left - right);
}

/** `1,2,3,7` as `1-3,7`. */
function ranges(values: readonly number[]): string {
  const parts: string[] = [];
  for (let index = 0; index < values.length; index += 1) {
    const first = values[index] ?? 0;
    while (values[index + 1] === (values[index] ?? 0) + 1) index += 1;
    const last = values[index] ?? first;
    parts.push(last === first ? `${first}` : last === first + 1 ? `${first},${last}` : `${first}-${last}`);
  }
  return parts.join(',');
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
