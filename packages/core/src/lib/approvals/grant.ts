import type { StoredApproval } from './approval-store.ts';
import type { ApprovalAction, Grant } from './approvals.ts';

/** Whether the grant speaks about this action: same genie, kind and subject. Says nothing about expiry. */
export function isForGrant(grant: Grant, action: ApprovalAction): boolean {
  return grant.genieId === action.genieId && grant.kind === action.kind && grant.subject === action.subject;
}

export function isGrantInForce(grant: Grant, now: number): boolean {
  return grant.expiresAt === undefined || now < grant.expiresAt;
}

/** The grant that answers the action now. A prohibition wins over a permission. */
export function findGrant(grants: readonly Grant[], action: ApprovalAction, now: number): Grant | undefined {
  let found: Grant | undefined;
  for (const grant of grants) {
    if (!isForGrant(grant, action) || !isGrantInForce(grant, now)) continue;
    if (grant.effect === 'deny') return grant;
    found ??= grant;
  }
  return found;
}

/** The grant that a user's "always" creates. Its id comes from the approval, so writing it twice makes one grant. */
export function grantOf(stored: StoredApproval): Grant | undefined {
  const { row, settlement } = stored;
  if (settlement?.kind !== 'decided' || settlement.grantId !== undefined) return undefined;
  const { verdict } = settlement.decision;
  if (verdict !== 'allow-always' && verdict !== 'deny-always') return undefined;
  return {
    id: row.id.replace(/^apr_/, 'grant_'),
    genieId: row.action.genieId,
    kind: row.action.kind,
    subject: row.action.subject,
    effect: verdict === 'allow-always' ? 'allow' : 'deny',
    grantedAt: settlement.at,
    approvalId: row.id,
  };
}
