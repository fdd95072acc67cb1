import type { Clock } from '../ports/clock.ts';
import type { Ids } from '../ports/ids.ts';
import { deepFreeze } from './approval-input.ts';
import type { ApprovalRow, ApprovalStore, Settlement, StoredApproval } from './approval-store.ts';
import type { Approvals, Grant } from './approvals.ts';
import { createApprovals } from './create-approvals.ts';

/** Approvals of one process, lost at its end. The same rules as `openApprovals`; for tests and for runs without a home. */
export function createMemoryApprovals(deps: { readonly clock: Clock; readonly ids: Ids }): Approvals {
  return createApprovals({ ...deps, store: createMemoryStore() });
}

/** The store behind them. */
export function createMemoryStore(): ApprovalStore {
  const rows = new Map<string, ApprovalRow>();
  const settlements = new Map<string, Settlement>();
  const used = new Set<string>();
  const newestByKey = new Map<string, string>();
  const grants = new Map<string, Grant>();
  const revoked = new Set<string>();

  function read(id: string): StoredApproval | undefined {
    const row = rows.get(id);
    if (!row) return undefined;
    const settlement = settlements.get(id);
    return { row, ...(settlement ? { settlement } : {}), used: used.has(id) };
  }

  return {
    async claim(key, row, isOpen) {
      const newest = read(newestByKey.get(key) ?? '');
      if (newest && isOpen(newest)) return newest;
      rows.set(row.id, deepFreeze(row));
      newestByKey.set(key, row.id);
      return { row, used: false };
    },
    read: async (id) => read(id),
    readAll: async () => [...rows.keys()].flatMap((id) => read(id) ?? []),
    async settle(id, settlement) {
      if (settlements.has(id)) return false;
      settlements.set(id, deepFreeze(settlement));
      return true;
    },
    async use(id) {
      if (used.has(id)) return false;
      used.add(id);
      return true;
    },
    grants: async () => [...grants.values()],
    async addGrant(grant) {
      if (!revoked.has(grant.id)) grants.set(grant.id, deepFreeze(grant));
    },
    async removeGrant(id) {
      revoked.add(id);
      return grants.delete(id);
    },
    // Every change is made in this process, and createApprovals looks after each of its own.
    watch: () => () => undefined,
    pollMs: () => undefined,
    close: async () => undefined,
  };
}
