import { z } from 'zod';
import { defineProbe, noData, type ProbeContext, type ProbeResult } from './probe.ts';

const timeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as "05:30"');

const schema = z
  .strictObject({
    /** An event type, e.g. `briefing.delivered`. */
    event: z.string().min(1),
    before: timeOfDay.optional(),
    after: timeOfDay.optional(),
  })
  .refine((options) => options.before !== undefined || options.after !== undefined, 'needs "before" or "after"');

/**
 * Yes/no: an event of the run happened before (or after, or between) times of the user's day, e.g. the briefing was delivered before
 * 05:30. Observed when the event arrives, or as "no" when the run ended without it; pending until then. With `after` later than
 * `before` the span goes over midnight.
 */
export const eventProbe = defineProbe('event', schema, (options, context) => {
  const at = context.eventAt(options.event);
  const source = `event:${options.event}`;
  if (at !== undefined) return judge(options, at, context);
  if (context.eventAt('run.ended') === undefined)
    return noData('pending', source, `"${options.event}" has not happened yet`);
  return { value: 0, grade: 'measured', source, evidence: { event: options.event, happened: false } };
});

function judge(options: z.infer<typeof schema>, at: number, context: ProbeContext): ProbeResult {
  const offsetMinutes = context.offsetAt(at);
  const minute = Math.floor(at / 60_000 + offsetMinutes) % 1440;
  const before = options.before === undefined ? undefined : toMinute(options.before);
  const after = options.after === undefined ? undefined : toMinute(options.after);
  const evidence = { event: options.event, at, offsetMinutes };
  return {
    value: isWithin(minute, after, before) ? 1 : 0,
    grade: 'measured',
    source: `event:${options.event}`,
    evidence,
  };
}

function isWithin(minute: number, after: number | undefined, before: number | undefined): boolean {
  if (after === undefined || before === undefined) return minute < (before ?? 1440) && minute >= (after ?? 0);
  return after <= before ? minute >= after && minute < before : minute >= after || minute < before;
}

function toMinute(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}
