import type { JsonObject } from '../json.ts';

/** What an approval is about. One mechanism serves all of them. */
export type ApprovalKind =
  | 'egress'
  | 'tool'
  | 'in-doubt'
  | 'kpis'
  | 'schedule'
  | 'proposal'
  | 'adjustment'
  | 'experiment'
  | 'plugin'
  | 'mcp';

/** The exact thing that would happen. Its hash binds the decision: a changed action needs a new approval. */
export interface ApprovalAction {
  readonly kind: ApprovalKind;
  /** The genie that asks. */
  readonly genieId: string;
  /** What a grant ("allow always") covers, e.g. `egress:example.com:443:read` or `tool:shell`. */
  readonly subject: string;
  /** The exact parameters, hashed with everything above. */
  readonly payload: JsonObject;
}

export interface ApprovalRequest {
  readonly action: ApprovalAction;
  /** One line for the user, e.g. `Read https://example.com (GET)`. */
  readonly title: string;
  /** The genie's own reason. Shown as its claim, never as a fact. */
  readonly claim?: string;
  readonly runId?: string;
  readonly callId?: string;
  /** Milliseconds until the request expires unanswered. Default 7 days. */
  readonly expiresInMs?: number;
}

export type Verdict = 'allow-once' | 'allow-always' | 'deny' | 'deny-always';

export interface Decision {
  readonly verdict: Verdict;
  /** Who decided, e.g. `user` or `cli`. */
  readonly by: string;
  readonly note?: string;
  /** The part as the user edited it (KPIs, schedule, proposal). Its meaning belongs to the asker. */
  readonly edited?: JsonObject;
}

export type ApprovalStatus = 'pending' | 'allowed' | 'denied' | 'expired' | 'used';

export interface Approval {
  readonly id: string;
  readonly status: ApprovalStatus;
  readonly action: ApprovalAction;
  /** SHA-256 of the canonical JSON of `action`, hex. */
  readonly actionHash: string;
  readonly title: string;
  readonly claim?: string;
  readonly runId?: string;
  readonly callId?: string;
  /** Epoch ms. */
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly decision?: Decision & { readonly at: number };
  /** True when a grant answered and nobody had to be asked. */
  readonly byGrant?: boolean;
}

/** A standing permission (or prohibition) that came out of "always". */
export interface Grant {
  readonly id: string;
  readonly genieId: string;
  readonly kind: ApprovalKind;
  readonly subject: string;
  readonly effect: 'allow' | 'deny';
  readonly grantedAt: number;
  readonly expiresAt?: number;
  readonly approvalId?: string;
}

export interface ApprovalFilter {
  readonly status?: ApprovalStatus;
  readonly runId?: string;
  readonly kind?: ApprovalKind;
}

export interface ApprovalsOptions {
  readonly signal?: AbortSignal;
}

/**
 * The one mechanism for everything that only the user may decide. Rows are durable, bound to the hash of the exact
 * action, single use and expiring. Several processes may use one store: the owner of a home asks, `genie approve` decides.
 *
 * Errors by code: `GENIE_APPROVAL_UNKNOWN`, `GENIE_APPROVAL_DECIDED` (a second decision), `GENIE_APPROVAL_EXPIRED`,
 * `GENIE_APPROVAL_STORE` (the store itself failed).
 */
export interface Approvals {
  /** Called before the action. Returns the open row of the same action and run when there is one; a grant answers at once. */
  request(request: ApprovalRequest, options?: ApprovalsOptions): Promise<Approval>;
  /** Called by a user interface. The first decision wins. */
  decide(id: string, decision: Decision, options?: ApprovalsOptions): Promise<Approval>;
  /** Called right before the action happens: true exactly once per allowed row, and only for the same action. */
  consume(id: string, action: ApprovalAction, options?: ApprovalsOptions): Promise<boolean>;
  get(id: string, options?: ApprovalsOptions): Promise<Approval | undefined>;
  /** Oldest first. */
  list(filter?: ApprovalFilter, options?: ApprovalsOptions): Promise<readonly Approval[]>;
  /** Resolves when the row is no longer pending, also when another process decided it. */
  wait(id: string, options?: ApprovalsOptions): Promise<Approval>;
  readonly grants: Grants;
  close(): Promise<void>;
}

export interface Grants {
  list(options?: ApprovalsOptions): Promise<readonly Grant[]>;
  add(grant: Omit<Grant, 'id' | 'grantedAt'>, options?: ApprovalsOptions): Promise<Grant>;
  /** True when the grant existed. Takes effect at once, in every process. */
  revoke(id: string, options?: ApprovalsOptions): Promise<boolean>;
}
