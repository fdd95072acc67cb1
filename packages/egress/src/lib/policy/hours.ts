import { GenieError } from '@genie/core/errors';

/** A daily window. `to` before `from` means over midnight. Minutes since midnight in `timeZone`. */
export interface Hours {
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly timeZone: string;
  readonly format: Intl.DateTimeFormat;
}

/** Parses `{ from: '08:00', to: '18:00', timeZone: 'Europe/Berlin' }`. Throws `GENIE_EGRESS_OPTIONS`. */
export function parseHours(input: {
  readonly from: string;
  readonly to: string;
  readonly timeZone?: string | undefined;
}): Hours {
  const timeZone = input.timeZone ?? 'UTC';
  try {
    const format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    return { fromMinute: readMinute(input.from), toMinute: readMinute(input.to), timeZone, format };
  } catch (cause) {
    const message = `hours: ${JSON.stringify(input)} is refused. Write { from: "08:00", to: "18:00", timeZone: "Europe/Berlin" }`;
    throw new GenieError('GENIE_EGRESS_OPTIONS', message, { cause });
  }
}

/** Whether the epoch millisecond `now` lies in the window; `to` itself is outside. */
export function isWithinHours(hours: Hours, now: number): boolean {
  const minute = readMinute(hours.format.format(now));
  if (hours.fromMinute <= hours.toMinute) return minute >= hours.fromMinute && minute < hours.toMinute;
  return minute >= hours.fromMinute || minute < hours.toMinute;
}

function readMinute(text: string): number {
  const match = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text);
  if (match === null) throw new RangeError(`"${text}" is not HH:MM`);
  return Number(match[1]) * 60 + Number(match[2]);
}
