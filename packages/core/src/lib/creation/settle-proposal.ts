import type { Approvals } from '../approvals/approvals.ts';
import type { Proposal, ProposalParts } from './proposal.ts';

export interface SettledProposal {
  /** Parts the user accepted, as edited. */
  readonly accepted: Partial<ProposalParts>;
  readonly refused: readonly (keyof ProposalParts)[];
  readonly pending: readonly (keyof ProposalParts)[];
}

/** Reads what the user decided on a proposal. An accepted part is consumed: it is applied once. */
export async function settleProposal(approvals: Approvals, proposal: Proposal): Promise<SettledProposal> {
  const accepted: Record<string, unknown> = {};
  const refused: (keyof ProposalParts)[] = [];
  const pending: (keyof ProposalParts)[] = [];
  for (const [name, id] of Object.entries(proposal.approvalIds)) {
    const part = name as keyof ProposalParts;
    const row = await approvals.get(id);
    if (row?.status === 'pending') pending.push(part);
    else if (row?.status === 'allowed' && (await approvals.consume(id, row.action))) {
      accepted[part] = row.decision?.edited ? row.decision.edited.value : proposal[part];
    } else refused.push(part);
  }
  return { accepted: accepted as Partial<ProposalParts>, refused, pending };
}
