import type { RunVerdict } from '../ports/metrics.ts';
import type { ExecutedRun, MeasuredRun, RunDeps } from '../run-state.ts';
import { toRunRecord } from '../to-run-record.ts';
import { recordPhase } from './record-phase.ts';

/** Lets the probes look at what happened. What the run claims counts for nothing here. */
export async function measure(deps: RunDeps, state: ExecutedRun): Promise<MeasuredRun> {
  const { verdict } = await recordPhase(deps, 'measure', async (): Promise<{ readonly verdict: RunVerdict | null }> => {
    if (!deps.metrics) return { verdict: null };
    const measured = await deps.metrics.measure(toRunRecord(deps, state), { signal: deps.guard.signal });
    const base = { at: deps.clock.now(), source: 'core.measure', runId: state.runId } as const;
    for (const reading of measured.readings) deps.emit({ type: 'kpi.observed', ...base, reading });
    deps.emit({ type: 'outcome.judged', ...base, outcome: measured.outcome, claim: state.claim });
    return { verdict: measured };
  });
  return { ...state, verdict: verdict ?? undefined };
}
