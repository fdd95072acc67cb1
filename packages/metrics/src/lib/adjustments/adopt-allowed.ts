import { describeThrown } from '@genie/core/errors';
import type { Approval, Approvals } from '@genie/core/ports';
import type { ProposedAdjustment } from '../evaluation/evaluation.ts';
import { parseAdjustment } from './adjustment.ts';
import type { Change, Guard } from './change.ts';

export interface AdoptRequest {
  readonly proposal: Pick<ProposedAdjustment, 'id' | 'adjustment'>;
  /** The allowed approval of exactly this proposal. */
  readonly approvalId: string;
  readonly experimentId?: string;
  /** Default: every KPI that had data before. */
  readonly guards?: readonly Guard[];
}

export interface AdoptAllowedOptions {
  /** The experiment that tried a proposal, and what its report watches. */
  readonly experimentOf?: (
    proposalId: string,
  ) => Promise<{ readonly experimentId: string; readonly guards: readonly Guard[] } | undefined>;
}

export interface AdoptedProposals {
  readonly adopted: readonly Change[];
  readonly refused: readonly { readonly approvalId: string; readonly title: string; readonly reason: string }[];
}

/** Adopts the allowed proposals of one genie, oldest first. A failure of one keeps none of the others back. */
export async function adoptAllowed(
  {
    approvals,
    genieId,
  }: { readonly approvals: Pick<Approvals, 'consume'> & Partial<Pick<Approvals, 'list'>>; readonly genieId: string },
  adopt: (request: AdoptRequest) => Promise<Change>,
  { experimentOf }: AdoptAllowedOptions,
): Promise<AdoptedProposals> {
  const adopted: Change[] = [];
  const refused: AdoptedProposals['refused'][number][] = [];
  const rows = (await approvals.list?.({ status: 'allowed', kind: 'adjustment' })) ?? [];
  for (const row of rows) {
    if (row.action.genieId !== genieId) continue;
    try {
      const proposal = proposalOf(row);
      const tried = await experimentOf?.(proposal.id);
      adopted.push(await adopt({ proposal, approvalId: row.id, ...tried }));
    } catch (error) {
      // Used up: what the settings do not allow today would be refused with every run.
      await approvals.consume(row.id, row.action);
      refused.push({ approvalId: row.id, title: row.title, reason: describeThrown(error) });
    }
  }
  return { adopted, refused };
}

function proposalOf({ id, action }: Approval): AdoptRequest['proposal'] {
  const { payload } = action;
  return { id: typeof payload.id === 'string' ? payload.id : id, adjustment: parseAdjustment(payload.adjustment) };
}
