import type { DenialReason } from '../policy/decision.ts';

/** How a request came to the door. */
export type ExitForm = 'fetch' | 'absolute' | 'connect' | 'tunnel-http' | 'upgrade' | 'transparent';

/** One line of the audit log. A decision is written before anything leaves; `closed` follows when it is over. */
export interface AuditEntry {
  readonly event: 'allowed' | 'blocked' | 'closed';
  /** Epoch ms. */
  readonly at: number;
  readonly exitId: string;
  readonly form: ExitForm;
  readonly method: string;
  readonly host: string;
  readonly port: number;
  /** Query values and secrets masked. */
  readonly path?: string;
  /** The entry or grant that allowed it. */
  readonly rule?: string;
  readonly reason?: DenialReason;
  readonly genieId?: string;
  readonly runId?: string;
  readonly callId?: string;
  readonly tool?: string;
  readonly bytesUp?: number;
  readonly bytesDown?: number;
  readonly status?: number;
  readonly tookMs?: number;
}

/**
 * Where decisions are written. Called for each decision before anything leaves; when it throws, nothing leaves
 * (`GENIE_EGRESS_AUDIT`). A throw for a `closed` entry closes the door until a write works again.
 */
export interface AuditLog {
  append(entry: AuditEntry): void;
  close?(): Promise<void>;
}
