import type { Socket } from 'node:net';
import type { EgressContext } from '@genie/core/ports';
import type { Passage } from './approvals/door.ts';
import type { ExitForm } from './audit/audit-record.ts';
import type { EgressError } from './egress-error.ts';
import type { CompiledEntry } from './policy/allow-entry.ts';
import type { DenialReason, Destination } from './policy/decision.ts';
import type { HostName } from './policy/host-name.ts';
import type { Rules } from './policy/rules.ts';

/** Somebody at the door. */
export interface Exit {
  readonly destination: Destination;
  readonly form: ExitForm;
  readonly path?: string;
  readonly bodyBytes?: number;
  readonly bodySha256?: string;
  readonly context: EgressContext;
  /** Asked for only when the user has to be asked, since most exits are decided at once. */
  readonly signal?: () => AbortSignal;
  /** What the same fetch was admitted to before: a redirect on one host needs no second approval. */
  readonly earlier?: readonly Admission[];
}

/** A permission to leave now. It is for one request, or for one tunnel. */
export interface Admission {
  readonly exitId: string;
  readonly exit: Exit;
  readonly host: HostName;
  readonly entry?: CompiledEntry;
  readonly passage?: Passage;
  readonly rule: string;
  /** On the monotonic clock. */
  readonly startedAt: number;
}

/** What became of it. */
export interface Departure {
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly status?: number;
  readonly reason?: DenialReason;
}

/**
 * The one pipeline that everything passes: grammar, allowlist, ports, approval (`admit`), then DNS once, every answer vetted,
 * and the vetted literal dialled (`open`). `admit` answers at once unless the user has to be asked.
 */
export interface Gate {
  readonly rules: Rules;
  /** Throws or rejects with `EgressError` or `ApprovalRequiredError`; then nothing was sent, not even a DNS query. */
  admit(exit: Exit): Admission | Promise<Admission>;
  /** A connection to an admitted destination. Rejects with `EgressError`. */
  open(target: { readonly host: HostName; readonly port: number }, signal?: AbortSignal): Promise<Socket>;
  /** Whether anybody wants to know how a request ends. */
  isWatched(admission: Admission): boolean;
  /** Told when a request or tunnel is over. */
  close(admission: Admission, departure: Departure): void;
  /** Writes a refusal that was decided outside the policy (wire form, authentication, contents of a tunnel). */
  refuse(exit: Exit, error: EgressError): void;
  /** Calls `cut` when the permission of something long-lived ends; the returned function stops watching. */
  watch(admission: Admission, cut: () => void): () => void;
  /** Looks now whether grants were revoked. */
  checkGrants(): Promise<void>;
  /** Admits nothing from now on. */
  shut(): void;
}
