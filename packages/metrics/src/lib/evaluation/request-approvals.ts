import type { ApprovalAction, Approvals, JsonObject } from '@genie/core/ports';
import type { ProposedAdjustment } from './evaluation.ts';

/** The exact action that an approval of a proposal is bound to. */
export function adjustmentAction(
  proposed: Pick<ProposedAdjustment, 'id' | 'adjustment'>,
  genieId: string,
): ApprovalAction {
  const adjustment = JSON.parse(JSON.stringify(proposed.adjustment)) as JsonObject;
  return {
    kind: 'adjustment',
    genieId,
    subject: `adjustment:${proposed.adjustment.type}`,
    payload: { id: proposed.id, adjustment },
  };
}

/** Asks the user for every proposal. Nothing changes before an answer. */
export async function requestApprovals(
  proposals: readonly ProposedAdjustment[],
  approvals: Pick<Approvals, 'request'>,
  genieId: string,
  signal: AbortSignal | undefined,
): Promise<ProposedAdjustment[]> {
  const asked: ProposedAdjustment[] = [];
  for (const one of proposals) {
    const gain = one.expectedGain === undefined ? '' : ` Expected: ${one.expectedGain}.`;
    const request = { action: adjustmentAction(one, genieId), title: one.title, claim: `${one.why}${gain}` };
    const approval = await approvals.request(request, signal === undefined ? {} : { signal });
    asked.push({ ...one, approvalId: approval.id });
  }
  return asked;
}
