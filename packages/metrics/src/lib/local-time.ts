/** Minutes east of UTC in a time zone at a moment. Throws `RangeError` for an unknown zone. */
export type OffsetAt = (at: number) => number;

/** Zone changes happen on quarter hours, so one answer serves a quarter. */
const quarterMs = 15 * 60_000;

/** Offsets of an IANA time zone (`Europe/Berlin`), with daylight saving. The last 512 quarter hours are remembered. */
export function createOffsetAt(timeZone: string): OffsetAt {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const known = new Map<number, number>();
  return (at) => {
    const quarter = Math.floor(at / quarterMs);
    const cached = known.get(quarter);
    if (cached !== undefined) return cached;
    const start = quarter * quarterMs;
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(start)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    const offset = Math.round((Date.UTC(year, month - 1, day, hour, minute, second) - start) / 60_000);
    if (known.size >= 512) known.clear();
    known.set(quarter, offset);
    return offset;
  };
}

/** The zone of this machine. */
export function systemTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
