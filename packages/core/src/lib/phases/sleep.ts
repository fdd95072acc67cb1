import { noUsage } from '../loop/replay.ts';
import type { AwakeRun, ReportedRun, RunDeps, RunOutcome } from '../run-state.ts';
import { runPhase } from './record-phase.ts';

/** Closes the run: the outcome is recorded, durable, and only then reported. */
export async function sleep(deps: RunDeps, state: ReportedRun | AwakeRun): Promise<RunOutcome> {
  return runPhase(deps, 'sleep', async () => {
    const outcome = 'finish' in state ? outcomeOf(state) : skippedOutcome(state);
    deps.run.append({
      kind: 'closed',
      at: deps.clock.now(),
      status: outcome.status,
      outcome: JSON.parse(JSON.stringify(outcome)),
    });
    await deps.run.settled();
    return outcome;
  });
}

function outcomeOf(state: ReportedRun): RunOutcome {
  const { reason, error } = state.finish;
  const succeeded = reason === 'stop' || reason === 'stop-condition';
  return {
    runId: state.runId,
    status: succeeded ? 'completed' : 'failed',
    reason: error?.message ?? reason,
    claim: state.claim,
    ...(state.verdict ? { verdict: state.verdict } : {}),
    ...(state.briefing ? { briefing: state.briefing } : {}),
    text: state.text,
    plan: state.plan,
    steps: state.steps,
    usage: state.usage,
    ...(state.costUsd === undefined ? {} : { costUsd: state.costUsd }),
    ...(succeeded
      ? {}
      : { error: error ?? { code: 'GENIE_RUN_FAILED' as const, message: `The run ended early: ${reason}.` } }),
  };
}

function skippedOutcome(state: AwakeRun): RunOutcome {
  return {
    runId: state.runId,
    status: 'skipped',
    reason: state.gate.reason,
    claim: 'none',
    text: '',
    plan: [],
    steps: 0,
    usage: noUsage,
  };
}
