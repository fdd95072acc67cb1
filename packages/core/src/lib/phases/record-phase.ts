import type { PhaseName } from '../events/genie-event.ts';
import type { JsonObject } from '../json.ts';
import { interrupted } from '../loop/abort-guard.ts';
import type { RunDeps } from '../run-state.ts';

/**
 * Runs a phase once: its delta is journaled, and a resumed run takes the recorded delta instead of doing the work
 * again. Rejects with `interrupted` as soon as the run has to stop.
 */
export async function recordPhase<Delta extends object>(
  deps: RunDeps,
  phase: PhaseName,
  work: () => Promise<Delta>,
): Promise<Delta> {
  const recorded = deps.run.recorded.find((record) => record.kind === 'phase' && record.phase === phase);
  if (recorded?.kind === 'phase') return recorded.output as unknown as Delta;
  if (deps.guard.cause) throw interrupted;
  return runPhase(deps, phase, async () => {
    const delta = await deps.guard.race(work());
    deps.run.append({ kind: 'phase', phase, at: deps.clock.now(), output: delta as unknown as JsonObject });
    return delta;
  });
}

/** Announces a phase around its work, without recording it: for work that is journaled step by step or is safe to repeat. */
export async function runPhase<Value>(deps: RunDeps, phase: PhaseName, work: () => Promise<Value>): Promise<Value> {
  const { clock, emit, run } = deps;
  const startedAt = clock.elapsed();
  emit({ type: 'phase.started', at: clock.now(), source: 'core.run', runId: run.runId, phase });
  const value = await work();
  const tookMs = Math.round((clock.elapsed() - startedAt) * 1000) / 1000;
  emit({ type: 'phase.completed', at: clock.now(), source: 'core.run', runId: run.runId, phase, tookMs });
  return value;
}
