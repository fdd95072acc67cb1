import type { EgressContext } from '@genie/core/ports';
import type { CredentialBook } from '../credentials/credentials.ts';
import type { Deadlines } from '../deadlines.ts';
import type { Gate } from '../gate.ts';
import type { Authenticator } from './authenticate.ts';
import type { OpenConnections } from './open-connections.ts';
import type { UpstreamPool } from './upstream-pool.ts';

export interface ProxyTimes {
  /** Until the headers of a request are complete, and until the first bytes of a tunnel are. */
  readonly headersTimeoutMs: number;
  /** Until a whole request is there. */
  readonly requestTimeoutMs: number;
  /** Without a byte in either direction. */
  readonly idleTimeoutMs: number;
}

/** What the parts of one proxy share. */
export interface ProxyCore {
  readonly gate: Gate;
  readonly pool: UpstreamPool;
  readonly authenticate: Authenticator;
  readonly context: EgressContext;
  readonly times: ProxyTimes;
  readonly connections: OpenConnections;
  readonly deadlines: Deadlines;
  /** Headers that the operator binds to a host; the asker never sees them. */
  readonly credentials: CredentialBook;
}
