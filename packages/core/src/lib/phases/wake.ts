import { describeThrown } from '../genie-error.ts';
import { interrupted } from '../loop/abort-guard.ts';
import type { AwakeRun, RunDeps, TriggeredRun } from '../run-state.ts';
import { boundFetch } from './bound-fetch.ts';
import { recordPhase } from './record-phase.ts';

/** Working-memory key of the last gate state. */
export const gateKey = 'gate';

/** Decides whether there is anything to do, before any model is called. */
export async function wake(deps: RunDeps, state: TriggeredRun): Promise<AwakeRun> {
  const gate = await recordPhase(deps, 'wake', async () => {
    const decision = await decide(deps, state);
    deps.emit({
      type: 'gate.decided',
      at: deps.clock.now(),
      source: 'core.wake',
      runId: state.runId,
      wake: decision.wake,
      reason: decision.reason,
    });
    return decision;
  });
  return { ...state, gate };
}

async function decide(deps: RunDeps, { trigger, runId }: TriggeredRun): Promise<AwakeRun['gate']> {
  if (!deps.wakeGate) return { wake: true, reason: 'no wake gate' };
  try {
    return await deps.wakeGate({
      trigger,
      goal: deps.goal,
      sources: deps.sources,
      lastState: await deps.memory?.working.get(gateKey),
      fetch: boundFetch(deps, runId, 'wake gate'),
      signal: deps.guard.signal,
    });
  } catch (error) {
    if (error === interrupted || deps.guard.cause) throw interrupted;
    return { wake: true, reason: `the wake gate failed (${describeThrown(error)})` };
  }
}
