import { type GenieFile, homeFolders } from '@genie/core/home';
import { type LeaseHolder, readLeaseHolder } from '@genie/core/journal';
import type { Approval, Grant } from '@genie/core/ports';
import type { GenieStore } from '../compose/genie-store.ts';
import { withStore } from '../compose/open-store.ts';
import type { StoreChoice } from '../compose/store-reference.ts';
import type { NamedHome } from './list-homes.ts';
import { type RunSummary, summarizeRuns } from './run-summary.ts';

/** What can be seen of a genie from outside, also while another process runs it. */
export interface InspectedHome extends NamedHome {
  readonly file: GenieFile;
  /** Where runs, approvals, memory and metrics are. */
  readonly keptIn: GenieStore['kind'];
  /** The process that owns the home now. */
  readonly holder: LeaseHolder | undefined;
  readonly runs: readonly RunSummary[];
  /** Pending ones, oldest first. */
  readonly approvals: readonly Approval[];
  readonly grants: readonly Grant[];
}

/** Takes no lease and changes nothing. Rejects with the codes of `readGenieFile` and `openStore`. */
export function inspectHome(named: NamedHome, choice: StoreChoice): Promise<InspectedHome> {
  return withStore(named.home, choice, (store, file) => inspectStore(named, { store, file }));
}

/** The same with a store that is open already. */
export async function inspectStore(
  named: NamedHome,
  { store, file }: { readonly store: GenieStore; readonly file: GenieFile },
): Promise<InspectedHome> {
  const holder = readLeaseHolder(homeFolders(named.home).journal);
  const { approvals } = store;
  return {
    ...named,
    file,
    keptIn: store.kind,
    holder,
    runs: await summarizeRuns(store, { isInUse: holder !== undefined }),
    approvals: await approvals.list({ status: 'pending' }),
    grants: await approvals.grants.list(),
  };
}
