import type { ApprovalAction, ApprovalRequest, Approvals } from '../approvals/approvals.ts';

/** What a case of the approvals suite gets: empty approvals on a clock that the case moves. */
export interface ApprovalsSetup {
  readonly approvals: Approvals;
  readonly clock: { now(): number; advance(byMs: number): void; jump(byMs: number): void };
  /** With the capability `durable`: closes nothing, opens the same rows as another process would. */
  readonly openAnother?: () => Promise<Approvals>;
}

export function sampleAction(changes: Partial<ApprovalAction> = {}): ApprovalAction {
  return {
    kind: 'egress',
    genieId: 'genie_a',
    subject: 'egress:example.com:443:read',
    payload: { method: 'GET', url: 'https://example.com/' },
    ...changes,
  };
}

export function sampleRequest(changes: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return { action: sampleAction(), title: 'Read https://example.com (GET)', runId: 'run_1', ...changes };
}

export const allowOnce = { verdict: 'allow-once', by: 'user' } as const;
export const allowAlways = { verdict: 'allow-always', by: 'user' } as const;
export const deny = { verdict: 'deny', by: 'user' } as const;
export const denyAlways = { verdict: 'deny-always', by: 'user' } as const;
