import { GenieError } from '@genie/core/errors';

export interface QuietHours {
  /** `22:00`; may be later than `to`. */
  readonly from: string;
  readonly to: string;
  /** IANA name. */
  readonly timeZone: string;
}

/** How long a moment has to wait for the end of the quiet hours: 0 outside of them. */
export type QuietClock = (now: number) => number;

const timeForm = /^([01]\d|2[0-3]):([0-5]\d)$/;

/** Throws `GENIE_PUSH_OPTIONS` for a time or a zone that does not exist. */
export function createQuietClock(hours: QuietHours): QuietClock {
  const [from, to] = [minutesOf(hours.from), minutesOf(hours.to)];
  const format = formatOf(hours.timeZone);
  return (now) => {
    const { minute, rest } = minuteOfDay(format, now);
    const isQuiet = from <= to ? minute >= from && minute < to : minute >= from || minute < to;
    if (!isQuiet) return 0;
    const left = (to - minute + 1440) % 1440;
    const end = now + left * 60_000 - rest;
    // A change of the clock in between makes the end an hour early or late: look again from there.
    const at = minuteOfDay(format, end).minute;
    const missed = ((to - at + 2160) % 1440) - 720;
    return Math.max(1, end + missed * 60_000 - now);
  };
}

function minutesOf(text: string): number {
  const match = timeForm.exec(text);
  if (!match)
    throw new GenieError(
      'GENIE_PUSH_OPTIONS',
      `Quiet hours: ${JSON.stringify(text)} is no time; write it like "22:00".`,
    );
  return Number(match[1]) * 60 + Number(match[2]);
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-GB', {
      timeZone,
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    });
  } catch (error) {
    throw new GenieError(
      'GENIE_PUSH_OPTIONS',
      `Quiet hours: ${JSON.stringify(timeZone)} is no time zone; use a name like "Europe/Vienna".`,
      { cause: error },
    );
  }
}

function minuteOfDay(format: Intl.DateTimeFormat, now: number): { readonly minute: number; readonly rest: number } {
  const part = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, Number(value)]));
  return {
    minute: (part.hour ?? 0) * 60 + (part.minute ?? 0),
    rest: (part.second ?? 0) * 1000 + (((now % 1000) + 1000) % 1000),
  };
}
