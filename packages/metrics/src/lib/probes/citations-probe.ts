import type { Citation, RunRecord } from '@genie/core/ports';
import { z } from 'zod';
import { defineProbe, fromRun, noData } from './probe.ts';
import { completedCallsText, isReached, sameOrigin } from './reached.ts';

const schema = z.strictObject({
  /** `present`: a citation is given. `grounded`: it also leads to something the run really looked at. */
  require: z.enum(['present', 'grounded']).default('present'),
});

/** The percentage of briefing items with at least one citation; with `require: 'grounded'` only citations count that the run's tools saw. */
export const citationsProbe = defineProbe('citations', schema, ({ require }, context) => {
  const { run } = context;
  const part = 'briefing.items.citations';
  if (run.briefing === undefined) return noData('failed', `run:${part}`, 'the run delivered no briefing');
  const { items } = run.briefing;
  if (items.length === 0)
    return noData('failed', `run:${part}`, 'the briefing has no items, so there is no share of them');
  const seen = require === 'grounded' ? completedCallsText(run) : '';
  const counts = (citation: Citation): boolean => require === 'present' || isGrounded(run, seen, citation);
  const cited = items.filter((item) => item.citations.some(counts));
  const evidence = items.map((item) => ({
    id: item.id,
    cited: cited.includes(item),
    citations: item.citations.length,
  }));
  return fromRun(context, part, { value: (100 * cited.length) / items.length, weight: items.length, evidence });
});

/** A citation is grounded when it lies in a source that was reached, or a completed call mentions its place. */
function isGrounded(run: RunRecord, seen: string, citation: Citation): boolean {
  if (citation.location === '') return false;
  if (seen.includes(citation.location)) return true;
  return run.sources.some((source) => isReached(run, source) && sameOrigin(source.location, citation.location));
}
