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

/** A gate saves work; one that takes longer than this has cost more than it can save. */
const gateTimeoutMs = 30_000;

async function decide(deps: RunDeps, { trigger, runId }: TriggeredRun): Promise<AwakeRun['gate']> {
  const { clock, guard, memory, wakeGate } = deps;
  if (!wakeGate) return { wake: true, reason: 'no wake gate' };
  const patience = new AbortController();
  const signal = AbortSignal.any([guard.signal, patience.signal]);
  let cancel: (() => void) | undefined;
  const late = new Promise<AwakeRun['gate']>((resolve) => {
    cancel = clock.schedule(gateTimeoutMs, () => {
      patience.abort();
      resolve({ wake: true, reason: `the wake gate took longer than ${gateTimeoutMs / 1000} s` });
    });
  });
  try {
    const lastState = await memory?.working.get(gateKey);
    const fetch = boundFetch(deps, runId, 'wake gate');
    const decided = wakeGate({ trigger, goal: deps.goal, sources: deps.sources, lastState, fetch, signal });
    return checkDecision(await Promise.race([decided, late]));
  } catch (error) {
    if (error === interrupted || guard.cause) throw interrupted;
    return { wake: true, reason: `the wake gate failed (${describeThrown(error)})` };
  } finally {
    cancel?.();
  }
}

/** Throws for an answer that is none: it must neither put the genie to sleep for good nor end its run. */
function checkDecision(decision: AwakeRun['gate'] | undefined): AwakeRun['gate'] {
  if (typeof decision?.wake !== 'boolean') throw new Error('it did not say "wake: true" or "wake: false"');
  const { wake, state } = decision;
  const reason = typeof decision.reason === 'string' ? decision.reason : 'the wake gate gave no reason';
  if (state === undefined) return { wake, reason };
  return { wake, reason, state: JSON.parse(JSON.stringify(state)) as NonNullable<AwakeRun['gate']['state']> };
}
