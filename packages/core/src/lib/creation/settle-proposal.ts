import type { Approval, Approvals } from '../approvals/approvals.ts';
import { describeThrown, GenieError } from '../genie-error.ts';
import type { Proposal, ProposalParts } from './proposal.ts';

export interface SettledProposal {
  /** Parts the user accepted, as edited. */
  readonly accepted: Partial<ProposalParts>;
  readonly refused: readonly (keyof ProposalParts)[];
  readonly pending: readonly (keyof ProposalParts)[];
}

/**
 * Reads what the user decided on a proposal. An accepted part is consumed: it is applied once. Rejects with
 * `GENIE_APPROVAL_INPUT` when an edited part (`decision.edited.value`) is not of its form; nothing is consumed then.
 */
export async function settleProposal(approvals: Approvals, proposal: Proposal): Promise<SettledProposal> {
  const accepted: Record<string, unknown> = {};
  const refused: (keyof ProposalParts)[] = [];
  const pending: (keyof ProposalParts)[] = [];
  const allowed: { readonly part: keyof ProposalParts; readonly row: Approval; readonly value: unknown }[] = [];
  for (const [name, id] of Object.entries(proposal.approvalIds)) {
    const part = name as keyof ProposalParts;
    const row = await approvals.get(id);
    if (row?.status === 'pending') pending.push(part);
    else if (row?.status === 'allowed') allowed.push({ part, row, value: await acceptedValue(part, row, proposal) });
    else refused.push(part);
  }
  for (const { part, row, value } of allowed) {
    if (await approvals.consume(row.id, row.action)) accepted[part] = value;
    else refused.push(part);
  }
  return { accepted: accepted as Partial<ProposalParts>, refused, pending };
}

async function acceptedValue(
  part: keyof ProposalParts,
  { id, decision }: Approval,
  proposal: Proposal,
): Promise<unknown> {
  if (!decision?.edited) return proposal[part];
  const { readEditedPart } = await import('./proposal-schema.ts');
  try {
    return readEditedPart(part, decision.edited.value);
  } catch (error) {
    const problem = `The edited ${part} of approval ${id} cannot be used: ${describeThrown(error)}.`;
    throw new GenieError('GENIE_APPROVAL_INPUT', `${problem} Propose again and edit it anew.`, { cause: error });
  }
}
