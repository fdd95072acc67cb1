import { GenieError } from '@genie/core/errors';
import { type Approval, type Approvals, type Clock, type Decision, systemClock } from '@genie/core/ports';
import { subjectForRun } from './grant-book.ts';

export interface RunDecision extends Omit<Decision, 'verdict' | 'edited'> {
  /** How long at most, should the run never end. Default a day. */
  readonly expiresInMs?: number;
  readonly clock?: Clock;
}

const day = 24 * 60 * 60 * 1_000;

/**
 * The decision "for this run": what the approval covers may leave until its run ends, and no other run's does. Requests of
 * the run that wait for the same are let through too. Rejects with `GENIE_EGRESS_OPTIONS` when the approval is not about
 * leaving or belongs to no run, and with the codes of `Approvals.decide`.
 */
export async function allowForRun(approvals: Approvals, approvalId: string, decision: RunDecision): Promise<Approval> {
  const { expiresInMs = day, clock = systemClock, by, note } = decision;
  const once: Decision = { verdict: 'allow-once', by, note: note ?? 'for this run' };
  const row = await approvals.get(approvalId);
  if (row === undefined) return approvals.decide(approvalId, once);
  const { action, runId } = row;
  if (action.kind !== 'egress' || runId === undefined) {
    const message = `approval ${approvalId} is about ${action.kind} ${runId === undefined ? 'and belongs to no run' : ''}: decide allow-once, allow-always or deny`;
    throw new GenieError('GENIE_EGRESS_OPTIONS', message);
  }
  // First the grant: whoever sees the decision must find it.
  const grant = await approvals.grants.add({
    genieId: action.genieId,
    kind: 'egress',
    subject: subjectForRun(action.subject, runId),
    effect: 'allow',
    expiresAt: clock.now() + expiresInMs,
    approvalId,
  });
  let decided: Approval;
  try {
    decided = await approvals.decide(approvalId, once);
  } catch (error) {
    await approvals.grants.revoke(grant.id);
    throw error;
  }
  const waiting = await approvals.list({ status: 'pending', kind: 'egress', runId });
  for (const other of waiting) {
    // Somebody else may have decided it in the meantime.
    if (other.action.subject === action.subject) await approvals.decide(other.id, once).catch(() => undefined);
  }
  return decided;
}

/** Takes back what was allowed for a run. Called when it ended; a run that has no more requests needs it only for tidiness. */
export async function endRunGrants(approvals: Pick<Approvals, 'grants'>, runId: string): Promise<void> {
  for (const grant of await approvals.grants.list())
    if (grant.kind === 'egress' && grant.subject.endsWith(subjectForRun('', runId)))
      await approvals.grants.revoke(grant.id);
}
