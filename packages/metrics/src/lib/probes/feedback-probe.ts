import { z } from 'zod';
import type { StoredFeedback } from '../feedback/feedback.ts';
import { cadences } from '../kpi-definition.ts';
import { windowMs } from '../window.ts';
import { defineProbe, noData, type ProbeResult } from './probe.ts';

const schema = z.strictObject({
  /** `stars`: mean of 1 to 5. `thumbs`: percentage up. `relevant`: percentage of judged items not flagged. `answers`: how many. */
  measure: z.enum(['stars', 'thumbs', 'relevant', 'answers']),
  /** How far back feedback counts. */
  window: z.enum(cadences).default('week'),
});

/** What the user said. No feedback is "no data": silence is neither praise nor blame. */
export const feedbackProbe = defineProbe('feedback', schema, async ({ measure, window }, context) => {
  const source = `feedback:${measure}`;
  const all = await context.feedback(window === 'run' ? context.run.startedAt : context.now - windowMs(window));
  const rows = window === 'run' ? all.filter((one) => one.runId === context.run.runId) : all;
  return summarize(measure, rows, source);
});

function summarize(
  measure: z.infer<typeof schema>['measure'],
  rows: readonly StoredFeedback[],
  source: string,
): ProbeResult {
  const evidence = rows.map((row) => ({ id: row.id, kind: row.kind }));
  const measured = (value: number, weight: number): ProbeResult => ({
    value,
    weight,
    grade: 'measured',
    source,
    evidence,
  });
  if (measure === 'answers') return measured(rows.length, 1);
  if (measure === 'stars') {
    const stars = rows.flatMap((row) => (row.kind === 'stars' ? [row.stars] : []));
    if (stars.length === 0) return noData('pending', source, 'no stars were given');
    return measured(stars.reduce((sum, star) => sum + star, 0) / stars.length, stars.length);
  }
  if (measure === 'thumbs') {
    const thumbs = rows.flatMap((row) => (row.kind === 'thumbs' ? [row.up] : []));
    if (thumbs.length === 0) return noData('pending', source, 'no thumbs were given');
    return measured((100 * thumbs.filter(Boolean).length) / thumbs.length, thumbs.length);
  }
  const verdicts = new Map<string, boolean>();
  for (const row of rows) {
    if (row.itemId === undefined) continue;
    if (row.kind === 'irrelevant') verdicts.set(row.itemId, false);
    else if (row.kind === 'thumbs' || row.kind === 'stars')
      verdicts.set(row.itemId, row.kind === 'thumbs' ? row.up : row.stars >= 3);
  }
  if (verdicts.size === 0) return noData('pending', source, 'no item was judged');
  return measured((100 * [...verdicts.values()].filter(Boolean).length) / verdicts.size, verdicts.size);
}
