import { z } from 'zod';
import { defineProbe, fromRun, noData } from './probe.ts';

const schema = z.strictObject({ event: z.string().min(1), per: z.string().min(1).optional() });

/** How often an event was emitted in the run, e.g. `tool.failed`; with `per`, as a percentage of another event. */
export const eventCountProbe = defineProbe('event-count', schema, ({ event, per }, context) => {
  const { eventCounts } = context.run;
  const source = `run:eventCounts.${event}`;
  if (Object.keys(eventCounts).length === 0) return noData('failed', source, 'the run recorded no events at all');
  const count = eventCounts[event] ?? 0;
  if (per === undefined)
    return fromRun(context, `eventCounts.${event}`, { value: count, evidence: { [event]: count } });
  const whole = eventCounts[per] ?? 0;
  if (whole === 0) return noData('not-applicable', source, `no "${per}" in this run, so there is no share of it`);
  const evidence = { [event]: count, [per]: whole };
  return fromRun(context, `eventCounts.${event}`, { value: (100 * count) / whole, weight: whole, evidence });
});
