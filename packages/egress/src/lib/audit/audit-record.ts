import type { DenialReason } from '../policy/decision.ts';

/** How a request came to the door. */
export type ExitForm = 'fetch' | 'absolute' | 'connect' | 'tunnel-http' | 'upgrade' | 'transparent';

/** One line of the audit log. A decision is written before anything leaves; `closed` follows when it is over. */
export interface AuditEntry {
  readonly event: 'allowed' | 'blocked' | 'closed';
  /** Epoch ms. */
  readonly at: number;
  /** The same in a decision and in its `closed`. */
  readonly exitId: string;
  readonly host: string;
  readonly port: number;
  /** These stand in the decision only. */
  readonly form?: ExitForm;
  readonly method?: string;
  /** Query values and secrets masked. */
  readonly path?: string;
  /** The entry or grant that allowed it. */
  readonly rule?: string;
  readonly genieId?: string;
  readonly runId?: string;
  readonly callId?: string;
  readonly tool?: string;
  /** Why it was blocked, or cut. */
  readonly reason?: DenialReason;
  /** These stand in `closed` only. */
  readonly bytesUp?: number;
  readonly bytesDown?: number;
  readonly status?: number;
  readonly tookMs?: number;
}

/**
 * Where decisions are written. Called for each decision before anything leaves: when it throws or rejects, nothing leaves
 * (`GENIE_EGRESS_AUDIT`). A promise is waited for; several requests may share one write.
 */
export interface AuditLog {
  append(entry: AuditEntry): undefined | Promise<void>;
  close?(): Promise<void>;
}
