import type { OffsetAt } from '../local-time.ts';
import type { Candidate, Patterns } from './candidate.ts';
import type { OutcomeRow } from './outcome-row.ts';

const minimumWakes = 6;
/** A proposal of hours needs two weeks of evidence, and each hour several wakes. */
const minimumForHours = 14;
const minimumPerHour = 3;
const usefulShare = 0.2;

/** Scheduled runs that found nothing to report, and the hours at which waking is worth it. */
export function findWastedWakes(outcomes: readonly OutcomeRow[], offsetAt: OffsetAt): Patterns {
  const wakes = outcomes.filter((run) => run.facts?.trigger === 'schedule');
  const wasted = wakes.filter(isWasted);
  if (wakes.length < minimumWakes || wasted.length / wakes.length < 0.6) return { findings: [], candidates: [] };
  const tokens = wasted.reduce((sum, run) => sum + run.cost.tokens, 0);
  const statement = `${wasted.length} of ${wakes.length} scheduled runs found nothing to report and used ${tokens} tokens.`;
  const numbers = { wakes: wakes.length, wasted: wasted.length, tokens };
  const evidence = wasted.slice(-20).map((run) => run.runId);
  const candidate = proposeHours(wakes, offsetAt);
  return {
    findings: [{ kind: 'wasted-wakes', tone: 'bad', statement, method: 'count over runs', numbers, evidence }],
    candidates: candidate === undefined ? [] : [{ ...candidate, why: statement, evidence }],
  };
}

function isWasted(run: OutcomeRow): boolean {
  return run.facts?.items === 0;
}

/** The hours of the user's day at which runs found something. Undefined when there are too few runs, or the hours do not differ. */
function proposeHours(
  wakes: readonly OutcomeRow[],
  offsetAt: OffsetAt,
): Omit<Candidate, 'why' | 'evidence'> | undefined {
  if (wakes.length < minimumForHours) return undefined;
  const hourOf = (run: OutcomeRow): number => {
    const startedAt = run.at - run.cost.tookMs;
    return Math.floor((startedAt + offsetAt(startedAt) * 60_000) / 3_600_000) % 24;
  };
  const byHour = [...Map.groupBy(wakes, hourOf)].sort((left, right) => left[0] - right[0]);
  const useful = byHour.filter(([, runs]) => 1 - runs.filter(isWasted).length / runs.length >= usefulShare);
  const known = byHour.every(([, runs]) => runs.length >= minimumPerHour);
  if (!known || useful.length === 0 || useful.length === byHour.length) return undefined;
  const less = byHour.filter((hour) => !useful.includes(hour)).reduce((sum, [, runs]) => sum + runs.length, 0);
  return {
    adjustment: { type: 'schedule', cron: `0 ${useful.map(([hour]) => hour).join(',')} * * *` },
    expectedGain: `${less} of ${wakes.length} wakes less, without missing what ${useful.length} of ${byHour.length} hours brought`,
    kpiIds: [],
  };
}
