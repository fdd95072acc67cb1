import type { CompiledEntry } from './allow-entry.ts';
import type { HostName } from './host-name.ts';

/** Where somebody wants to go. `http` and `https` show their method; in a `tunnel` only the destination is visible. */
export interface Destination {
  readonly scheme: 'http' | 'https' | 'tunnel';
  /** As it came over the wire. */
  readonly hostText: string;
  readonly port: number;
  readonly method: string;
  /** True when a body goes along. Then it sends, whatever its method. */
  readonly hasBody?: boolean;
}

/** Why something was not let out. Stable words: they appear in errors, answers of the proxy, events and the audit log. */
export type DenialReason =
  | 'host-grammar'
  | 'address-literal'
  | 'not-allowed'
  | 'port'
  | 'method'
  | 'hours'
  | 'rate'
  | 'address'
  | 'name-not-found'
  | 'resolver'
  | 'unreachable'
  | 'denied-by-user'
  | 'approval-pending'
  | 'approval-expired'
  | 'too-many-pending'
  | 'request-bytes'
  | 'response-bytes'
  | 'audit'
  | 'closed'
  | 'authentication'
  | 'request-form'
  | 'request-smuggling'
  | 'host-mismatch'
  | 'tunnel-protocol'
  | 'tunnel-name'
  | 'timeout';

export type Decision =
  | { readonly verdict: 'allow'; readonly host: HostName; readonly entry: CompiledEntry }
  | {
      readonly verdict: 'ask';
      readonly host: HostName;
      readonly reason: 'not-allowed' | 'port' | 'method';
      readonly message: string;
    }
  | { readonly verdict: 'deny'; readonly reason: DenialReason; readonly message: string };

/**
 * What a grant covers besides host and port. Whatever is inside a tunnel cannot be seen, so it counts as a write, and so does
 * a GET that carries a body.
 */
export function methodClassOf({ method, hasBody }: Pick<Destination, 'method' | 'hasBody'>): 'read' | 'write' {
  if (hasBody === true) return 'write';
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' ? 'read' : 'write';
}
