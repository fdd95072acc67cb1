import type { RunVerdict } from '../ports/metrics.ts';
import type { Briefing } from '../run-record.ts';
import type { ExecutedRun, MeasuredRun, RunDeps } from '../run-state.ts';
import { toRunRecord } from '../to-run-record.ts';
import { recordPhase } from './record-phase.ts';

interface Measured {
  readonly verdict: RunVerdict | null;
  /** As the user's feedback arranges it; missing where nothing was rearranged. */
  readonly briefing?: Briefing;
}

/** Lets the probes look at what happened. What the run claims counts for nothing here. */
export async function measure(deps: RunDeps, state: ExecutedRun): Promise<MeasuredRun> {
  const { verdict, briefing } = await recordPhase(deps, 'measure', async (): Promise<Measured> => {
    if (!deps.metrics) return { verdict: null };
    const { signal } = deps.guard;
    const arranged = state.briefing && (await deps.metrics.arrange?.(state.briefing, { signal }));
    const run = toRunRecord(deps, { ...state, briefing: arranged ?? state.briefing });
    const measured = await deps.metrics.measure(run, { signal });
    const base = { at: deps.clock.now(), source: 'core.measure', runId: state.runId } as const;
    for (const reading of measured.readings) deps.emit({ type: 'kpi.observed', ...base, reading });
    deps.emit({ type: 'outcome.judged', ...base, outcome: measured.outcome, claim: state.claim });
    return arranged && arranged !== state.briefing ? { verdict: measured, briefing: arranged } : { verdict: measured };
  });
  return { ...state, ...(briefing ? { briefing } : {}), verdict: verdict ?? undefined };
}
