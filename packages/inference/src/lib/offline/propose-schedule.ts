import type { GoalKind } from './goal.ts';

/** Cron (five fields) for goals that name no time: watchers look every hour, briefings come before breakfast, counts on Mondays. */
const byKind: Readonly<Record<GoalKind, string>> = {
  watch: '0 * * * *',
  brief: '30 5 * * *',
  summarise: '30 5 * * *',
  compare: '30 5 * * 1',
  count: '30 5 * * 1',
};

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** Reads how often and when from the goal's words, e.g. "every weekday at 7:15" gives `15 7 * * 1-5`. */
export function proposeCron(goal: string, kind: GoalKind): string {
  const text = goal.toLowerCase();
  const every = /\bevery\s+(\d{1,2})\s*(minutes?|min|hours?|h)\b/.exec(text);
  if (every) {
    const count = Math.max(1, Number(every[1]));
    return every[2]?.startsWith('m') ? everyMinutes(count) : everyHours(count);
  }
  if (/\b(?:hourly|every hour|each hour)\b/.test(text)) return '0 * * * *';
  const [minute, hour] = timeOfDay(text);
  const day = weekdays.findIndex((name) => new RegExp(`\\b(?:every|each|on)\\s+${name}s?\\b`).test(text));
  if (day >= 0) return `${minute} ${hour} * * ${day}`;
  if (/\b(?:weekdays?|working days?|workdays?)\b/.test(text)) return `${minute} ${hour} * * 1-5`;
  if (/\b(?:weekly|every week|each week|once a week)\b/.test(text)) return `${minute} ${hour} * * 1`;
  if (/\b(?:monthly|every month|each month|once a month)\b/.test(text)) return `${minute} ${hour} 1 * *`;
  if (/\b(?:daily|every (?:day|morning|evening|night)|each (?:day|morning|evening)|once a day|at \d)/.test(text))
    return `${minute} ${hour} * * *`;
  return byKind[kind];
}

function everyMinutes(count: number): string {
  return count >= 60 ? '0 * * * *' : `*/${count} * * * *`;
}

function everyHours(count: number): string {
  return count >= 24 ? '30 5 * * *' : count === 1 ? '0 * * * *' : `0 */${count} * * *`;
}

function timeOfDay(text: string): readonly [minute: number, hour: number] {
  const match = /\bat\s+(\d{1,2})(?::(\d{2}))?\s*(am|pm)?\b/.exec(text);
  const hour = Number(match?.[1] ?? Number.NaN);
  const minute = Number(match?.[2] ?? 0);
  if (match && hour < 24 && minute < 60)
    return [minute, match[3] === undefined ? hour : (hour % 12) + (match[3] === 'pm' ? 12 : 0)];
  if (/\b(?:evening|night)\b/.test(text)) return [0, 18];
  return [30, 5];
}

/** The first IANA time zone that the prompt names, else UTC. */
export function proposeTimeZone(text: string): string {
  for (const match of text.matchAll(/\b[A-Z][A-Za-z]+(?:\/[A-Z][A-Za-z_+-]+){1,2}\b/g)) {
    if (isTimeZone(match[0])) return match[0];
  }
  return 'UTC';
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
