import { fold } from './tokenize.ts';

/** Half-open span of time in epoch ms (UTC). */
export interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

const dayMs = 86_400_000;
const months = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const monthName =
  '(january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec)\\.?';
const counts: Readonly<Record<string, number>> = {
  a: 1,
  an: 1,
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  couple: 2,
  few: 3,
};
const unitDays: Readonly<Record<string, number>> = { day: 1, night: 1, week: 7, weekend: 7, month: 30, year: 365 };
/** First month (0-based) of a season on the northern half of the earth; winter runs into the next year. */
const seasons: Readonly<Record<string, number>> = { spring: 2, summer: 5, autumn: 8, fall: 8, winter: 11 };

type Reader = (match: RegExpExecArray, now: number) => TimeSpan | undefined;

const readers: readonly (readonly [RegExp, Reader])[] = [
  [/\b(\d{4})-(\d{1,2})-(\d{1,2})\b/g, ([, year, month, day]) => daySpan(Number(year), Number(month) - 1, Number(day))],
  [
    new RegExp(`\\b(\\d{1,2})(?:st|nd|rd|th)?(?: of)? ${monthName}(?:,? (\\d{4}))?\\b`, 'g'),
    ([, day, month, year], now) => dated(year, month, day, now),
  ],
  [
    new RegExp(`\\b${monthName} (\\d{1,2})(?:st|nd|rd|th)?(?:,? (\\d{4}))?\\b(?!\\d)`, 'g'),
    ([, month, day, year], now) => dated(year, month, day, now),
  ],
  [
    new RegExp(`\\b${monthName},?(?: of)? (\\d{4})\\b`, 'g'),
    ([, month, year]) => monthSpan(Number(year), monthNumber(month)),
  ],
  [
    new RegExp(`\\b(?:in|during|since|early|mid|late|last|this|throughout) ${monthName}(?! \\d)`, 'g'),
    ([, month], now) => monthSpan(yearBefore(now, monthNumber(month)), monthNumber(month)),
  ],
  [/\b(spring|summer|autumn|fall|winter)(?: of)? (\d{4})\b/g, ([, season, year]) => seasonSpan(Number(year), season)],
  [
    /\b(?:in|during|of|year|since) ((?:19|20)\d\d)\b/g,
    ([, year]) => ({ from: Date.UTC(Number(year), 0, 1), to: Date.UTC(Number(year) + 1, 0, 1) }),
  ],
  [
    /\b(a|an|one|two|three|four|five|six|seven|eight|nine|ten|couple|few|\d{1,3})(?: of)? (day|night|week|weekend|month|year)s? (ago|before|earlier)\b/g,
    agoSpan,
  ],
  [/\b(yesterday|last night)\b/g, (_match, now) => ({ from: startOfDay(now) - dayMs, to: startOfDay(now) })],
  [
    /\b(today|tonight|this morning|this afternoon|this evening)\b/g,
    (_match, now) => ({ from: startOfDay(now), to: startOfDay(now) + dayMs }),
  ],
  [/\b(last|this|past|previous) (week|weekend|month|year)\b/g, relativeSpan],
  [
    /\b(?:last|on|this|past) (sunday|monday|tuesday|wednesday|thursday|friday|saturday)\b/g,
    ([, name], now) => weekdaySpan(name, now),
  ],
];

/**
 * Spans of time that a text names (`8 May 2023`, `in July`, `last Saturday`), resolved against `now`; for a remembered turn that
 * is the time at which it was said. English; an explicit date that a relative one hangs on (`two weeks before 3 June`) moves it.
 */
export function findTimeSpans(text: string, now: number): TimeSpan[] {
  const folded = fold(text.length > 4_000 ? text.slice(0, 4_000) : text);
  const spans: TimeSpan[] = [];
  let covered = '';
  for (const [pattern, read] of readers) {
    for (const match of folded.matchAll(pattern)) {
      if (covered.includes(match[0])) continue;
      const span = read(match, anchorAfter(folded, match, now));
      if (span === undefined || !Number.isFinite(span.from) || !Number.isFinite(span.to)) continue;
      spans.push(span);
      covered += ` ${match[0]}`;
    }
  }
  return spans;
}

/** `the week before 9 June 2023`: the date that follows is what the words are relative to. */
function anchorAfter(text: string, match: RegExpMatchArray, now: number): number {
  if (!/(before|earlier)$/.test(match[0])) return now;
  const rest = text.slice((match.index ?? 0) + match[0].length, (match.index ?? 0) + match[0].length + 30);
  for (const [pattern, read] of readers.slice(0, 4)) {
    const found = new RegExp(pattern.source).exec(rest);
    const span = found ? read(found, now) : undefined;
    if (span) return span.from;
  }
  return now;
}

function agoSpan([, count, unit]: RegExpExecArray, now: number): TimeSpan {
  const days = (counts[count ?? ''] ?? Number(count)) * (unitDays[unit ?? ''] ?? 1);
  const slack = Math.max(0.5, (unitDays[unit ?? ''] ?? 1) / 2);
  const center = startOfDay(now) - days * dayMs;
  return { from: center - slack * dayMs, to: center + (slack + 1) * dayMs };
}

function relativeSpan([, which, unit]: RegExpExecArray, now: number): TimeSpan {
  const date = new Date(now);
  const back = which === 'this' ? 0 : 1;
  if (unit === 'year') {
    const year = date.getUTCFullYear() - back;
    return { from: Date.UTC(year, 0, 1), to: Date.UTC(year + 1, 0, 1) };
  }
  if (unit === 'month') return monthSpan(date.getUTCFullYear(), date.getUTCMonth() - back);
  const monday = startOfDay(now) - ((date.getUTCDay() + 6) % 7) * dayMs - back * 7 * dayMs;
  return unit === 'weekend'
    ? { from: monday + 5 * dayMs, to: monday + 7 * dayMs }
    : { from: monday, to: monday + 7 * dayMs };
}

function weekdaySpan(name: string | undefined, now: number): TimeSpan {
  const back = (new Date(now).getUTCDay() - weekdays.indexOf(name ?? '') + 6) % 7;
  const from = startOfDay(now) - (back + 1) * dayMs;
  return { from, to: from + dayMs };
}

function dated(
  year: string | undefined,
  month: string | undefined,
  day: string | undefined,
  now: number,
): TimeSpan | undefined {
  const index = monthNumber(month);
  return daySpan(year === undefined ? yearBefore(now, index) : Number(year), index, Number(day));
}

function daySpan(year: number, month: number, day: number): TimeSpan | undefined {
  if (day < 1 || day > 31 || month < 0 || month > 11) return undefined;
  const from = Date.UTC(year, month, day);
  return { from, to: from + dayMs };
}

function monthSpan(year: number, month: number): TimeSpan {
  return { from: Date.UTC(year, month, 1), to: Date.UTC(year, month + 1, 1) };
}

function seasonSpan(year: number, season: string | undefined): TimeSpan {
  const first = seasons[season ?? ''] ?? 0;
  return season === 'winter'
    ? { from: Date.UTC(year - 1, 11, 1), to: Date.UTC(year + 1, 2, 1) }
    : { from: Date.UTC(year, first, 1), to: Date.UTC(year, first + 3, 1) };
}

function monthNumber(name: string | undefined): number {
  return months.findIndex((month) => month.startsWith((name ?? '').slice(0, 3)));
}

/** A month without a year is the last one that has begun. */
function yearBefore(now: number, month: number): number {
  const date = new Date(now);
  return month <= date.getUTCMonth() ? date.getUTCFullYear() : date.getUTCFullYear() - 1;
}

function startOfDay(time: number): number {
  return Math.floor(time / dayMs) * dayMs;
}
