import type { Clock, Grant, Grants, Ids } from '@genie/core/ports';

/** Grants of an egress without approvals: they live as long as the process. */
export function createMemoryGrants(clock: Clock, ids: Ids): Grants {
  const grants = new Map<string, Grant>();
  return {
    list: () => Promise.resolve([...grants.values()]),
    add(input) {
      const grant = { ...input, id: ids.next('grant'), grantedAt: clock.now() };
      grants.set(grant.id, grant);
      return Promise.resolve(grant);
    },
    revoke: (id) => Promise.resolve(grants.delete(id)),
  };
}
