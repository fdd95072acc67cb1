import { openApprovals } from '@genie/core';
import { type GenieFile, homeFolders, readGenieFile } from '@genie/core/home';
import { type LeaseHolder, readLeaseHolder } from '@genie/core/journal';
import type { Approval, Grant } from '@genie/core/ports';
import type { NamedHome } from './list-homes.ts';
import { type RunSummary, summarizeRuns } from './run-summary.ts';

/** What can be seen of a genie from outside, also while another process runs it. */
export interface InspectedHome extends NamedHome {
  readonly file: GenieFile;
  /** The process that owns the home now. */
  readonly holder: LeaseHolder | undefined;
  readonly runs: readonly RunSummary[];
  /** Pending ones, oldest first. */
  readonly approvals: readonly Approval[];
  readonly grants: readonly Grant[];
}

/** Takes no lease and changes nothing. Rejects with the codes of `readGenieFile`. */
export async function inspectHome(named: NamedHome): Promise<InspectedHome> {
  const file = readGenieFile(named.home);
  const folders = homeFolders(named.home);
  const holder = readLeaseHolder(folders.journal);
  const approvals = openApprovals({ dir: folders.approvals });
  try {
    const runs = await summarizeRuns(named.home, { approvals, isInUse: holder !== undefined });
    return {
      ...named,
      file,
      holder,
      runs,
      approvals: await approvals.list({ status: 'pending' }),
      grants: await approvals.grants.list(),
    };
  } finally {
    await approvals.close();
  }
}
