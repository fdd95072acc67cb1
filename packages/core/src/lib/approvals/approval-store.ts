import type { ErrorRecord } from '../genie-error.ts';
import type { Approval, Decision, Grant } from './approvals.ts';

/** A request as stored. Written once, never changed. */
export interface ApprovalRow extends Omit<Approval, 'status' | 'decision' | 'byGrant'> {
  readonly format: 1;
}

/** What became of a row: the user's decision, a grant's answer, or expiry. Written once; the first one wins. */
export type Settlement =
  | {
      readonly format: 1;
      readonly kind: 'decided';
      readonly at: number;
      readonly decision: Decision;
      readonly grantId?: string;
    }
  | { readonly format: 1; readonly kind: 'expired'; readonly at: number };

/** All that is stored about one approval. */
export interface StoredApproval {
  readonly row: ApprovalRow;
  readonly settlement?: Settlement;
  readonly used: boolean;
}

/** Something that was skipped: an unreadable row, a failed watch. Reported, never thrown. */
export type ApprovalWarning = ErrorRecord;

/**
 * Where rows live; called by `createApprovals`, which owns all rules. Every write is atomic and durable when it resolves,
 * also between processes. Failures reject with `GENIE_APPROVAL_STORE`.
 */
export interface ApprovalStore {
  /**
   * Called by `request`. Stores `row` unless the newest row of the same key is still open as `isOpen` sees it; returns
   * the stored row or the open one. Of several callers at once exactly one row is stored.
   */
  claim(key: string, row: ApprovalRow, isOpen: (stored: StoredApproval) => boolean): Promise<StoredApproval>;
  read(id: string): Promise<StoredApproval | undefined>;
  readAll(): Promise<readonly StoredApproval[]>;
  /** False when the row was settled before. */
  settle(id: string, settlement: Settlement): Promise<boolean>;
  /** True for exactly one caller, ever. */
  use(id: string, at: number): Promise<boolean>;
  grants(): Promise<readonly Grant[]>;
  /** Adding a grant of the same id again, or one that was revoked, changes nothing. */
  addGrant(grant: Grant): Promise<void>;
  removeGrant(id: string): Promise<boolean>;
  /** Calls back after a change, perhaps too often, perhaps late; the returned function ends it. Never throws. */
  watch(onChange: () => void): () => void;
  /** How often to look while somebody waits, when the watch cannot be relied on; undefined when it can. */
  pollMs(): number | undefined;
  close(): Promise<void>;
}
