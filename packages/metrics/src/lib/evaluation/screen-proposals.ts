import type { Approvals } from '@genie/core/ports';
import { canonicalJson } from '@genie/core/ports';
import type { Adjustment } from '../adjustments/adjustment.ts';
import type { Change } from '../adjustments/change.ts';
import { applyAdjustment, type GenieSettings } from '../adjustments/settings.ts';
import type { Evaluation, ProposedAdjustment, WithheldProposal } from './evaluation.ts';

/** A "no" of the user, or a change that hurt, is not asked about again for so long. */
const restMs = 28 * 86_400_000;

export interface ScreenInput {
  readonly proposals: readonly ProposedAdjustment[];
  /** Newest last. */
  readonly earlier: readonly Evaluation[];
  readonly changes: readonly Change[];
  readonly settings?: GenieSettings;
  readonly approvals?: Partial<Pick<Approvals, 'get'>>;
  readonly now: number;
}

/** Leaves out what the user need not be asked: changes of nothing, what they denied lately, and what was undone lately. */
export async function screenProposals(
  input: ScreenInput,
): Promise<{ readonly adjustments: ProposedAdjustment[]; readonly withheld: WithheldProposal[] }> {
  const adjustments: ProposedAdjustment[] = [];
  const withheld: WithheldProposal[] = [];
  for (const proposal of input.proposals) {
    const reason =
      changesNothing(proposal.adjustment, input.settings) ??
      undoneLately(proposal, input) ??
      (await deniedLately(proposal, input));
    if (reason === undefined) adjustments.push(proposal);
    else withheld.push({ title: proposal.title, reason });
  }
  return { adjustments, withheld };
}

function changesNothing(adjustment: Adjustment, settings: GenieSettings | undefined): string | undefined {
  if (settings === undefined) return undefined;
  const same = canonicalJson(applyAdjustment(settings, adjustment)) === canonicalJson(settings);
  return same ? 'the settings are like that already' : undefined;
}

function undoneLately(proposal: ProposedAdjustment, { changes, now }: ScreenInput): string | undefined {
  const own = changes.filter((change) => change.proposalId === proposal.id && change.state === 'undone');
  const last = own.findLast((change) => now - (change.undoneAt ?? 0) < restMs);
  return last === undefined ? undefined : `it was adopted and undone: ${last.reason ?? 'no reason given'}`;
}

async function deniedLately(
  proposal: ProposedAdjustment,
  { earlier, approvals, now }: ScreenInput,
): Promise<string | undefined> {
  const asked = earlier.flatMap((evaluation) => evaluation.adjustments.filter((one) => one.id === proposal.id));
  const approvalId = asked.findLast((one) => one.approvalId !== undefined)?.approvalId;
  if (approvalId === undefined || approvals?.get === undefined) return undefined;
  // A row that was cleaned away says nothing.
  const approval = await approvals.get(approvalId).catch(() => undefined);
  const denied = approval?.status === 'denied' && now - (approval.decision?.at ?? 0) < restMs;
  return denied ? 'you said no lately' : undefined;
}
