import { GenieError, toErrorRecord } from './genie-error.ts';
import { interrupted } from './loop/abort-guard.ts';
import { noUsage } from './loop/replay.ts';
import { execute } from './phases/execute.ts';
import { measure } from './phases/measure.ts';
import { memorize } from './phases/memorize.ts';
import { plan } from './phases/plan.ts';
import { remember } from './phases/remember.ts';
import { report } from './phases/report.ts';
import { sleep } from './phases/sleep.ts';
import { wake } from './phases/wake.ts';
import type { ExecutedRun, RunDeps, RunOutcome, TriggeredRun } from './run-state.ts';

/** One pass of the harness: wake → remember → plan → execute → measure → memorize → report → sleep. Never rejects. */
export async function run(deps: RunDeps, triggered: TriggeredRun): Promise<RunOutcome> {
  let outcome: RunOutcome;
  try {
    outcome = await passPhases(deps, triggered);
  } catch (error) {
    outcome = await endEarly(deps, triggered, error);
  }
  deps.emit({
    type: 'run.ended',
    at: deps.clock.now(),
    source: 'core.run',
    runId: triggered.runId,
    status: outcome.status,
    ...(outcome.error ? { error: outcome.error } : {}),
  });
  return outcome;
}

async function passPhases(deps: RunDeps, triggered: TriggeredRun): Promise<RunOutcome> {
  const awake = await wake(deps, triggered);
  if (!awake.gate.wake) return sleep(deps, awake);
  const remembering = await remember(deps, awake);
  const planned = await plan(deps, remembering);
  const executed = await execute(deps, planned);
  if (executed.finish.reason === 'waiting') return suspend(deps, executed);
  if (executed.finish.reason === 'aborted') throw interrupted;
  if (executed.finish.reason === 'journal-error') throw journalError(executed);
  const measured = await measure(deps, executed);
  const memorized = await memorize(deps, measured);
  const reported = await report(deps, memorized);
  return sleep(deps, reported);
}

/** Puts the run aside until the user decided. Holds no process and costs nothing meanwhile. */
async function suspend(deps: RunDeps, state: ExecutedRun): Promise<RunOutcome> {
  const approvalIds = state.finish.approvalIds ?? [];
  deps.run.append({ kind: 'suspended', at: deps.clock.now(), approvalIds });
  await deps.run.settled();
  const what = approvalIds.length === 1 ? 'an approval' : `${approvalIds.length} approvals`;
  return {
    runId: state.runId,
    status: 'waiting',
    reason: `waits for ${what}`,
    claim: 'none',
    text: state.text,
    plan: state.plan,
    steps: state.steps,
    usage: state.usage,
    ...(state.costUsd === undefined ? {} : { costUsd: state.costUsd }),
    approvalIds,
  };
}

/** A run that was cut short stays open in the journal: `resume` takes it up again. */
async function endEarly(deps: RunDeps, { runId }: TriggeredRun, error: unknown): Promise<RunOutcome> {
  const base = { runId, claim: 'none', text: '', plan: [], steps: 0, usage: noUsage } as const;
  await deps.run.settled()?.catch(() => undefined);
  if (error === interrupted || deps.guard.cause) {
    return { ...base, status: 'cancelled', reason: 'cancelled; resume it to go on' };
  }
  const record = toErrorRecord(error, 'GENIE_RUN_FAILED');
  return { ...base, status: 'failed', reason: record.message, error: record };
}

function journalError(state: ExecutedRun): GenieError {
  const { error } = state.finish;
  return new GenieError(error?.code ?? 'GENIE_JOURNAL_FAILED', error?.message ?? 'The journal cannot be written.');
}
