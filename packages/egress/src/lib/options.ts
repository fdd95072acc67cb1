import { GenieError } from '@genie/core/errors';
import type { Approvals, Clock, EventSink, Ids } from '@genie/core/ports';
import { z } from 'zod';
import type { AuditLog } from './audit/audit-record.ts';
import type { Credential } from './credentials/credentials.ts';
import type { Lookup } from './dial/lookup.ts';
import type { UpstreamProxyOptions } from './dial/upstream-proxy.ts';
import type { AllowEntry } from './policy/allow-entry.ts';

export interface EgressOptions {
  /** Who may be reached: hosts, `*.example.com`, `127.0.0.1:11434`. Empty means nobody. */
  readonly allow: readonly AllowEntry[];
  /** Ports of entries that name none. Default 443 and 80. */
  readonly ports?: readonly number[];
  /** Exact `ip:port` that names may resolve to although it is not public. */
  readonly allowPrivate?: readonly string[];
  /** Asked about everything else. Without it, everything else is denied. */
  readonly approvals?: Approvals;
  /** How long a request waits for the user before it rejects with `GENIE_APPROVAL_REQUIRED`. Default 0: at once. */
  readonly holdMs?: number;
  /** Requests of one genie that may wait for the user. Default 5. */
  readonly maxPending?: number;
  /** How long an approval can be given. Default 7 days. */
  readonly approvalExpiresInMs?: number;
  /** How names are resolved. Default: the operating system. */
  readonly lookup?: Lookup;
  /** Default 5,000. */
  readonly lookupTimeoutMs?: number;
  /** Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** A proxy that everything but private addresses goes on through. */
  readonly upstreamProxy?: UpstreamProxyOptions;
  /** Where every decision is written; see `openAudit`. */
  readonly audit?: AuditLog;
  readonly events?: EventSink;
  /** Whose door this is. Default `genie`. */
  readonly genieId?: string;
  /** Header values that are added for one host each, and that the asker never sees. */
  readonly credentials?: readonly Credential[];
  /** Extra certificate authorities (PEM) for https of `fetch`. */
  readonly certificateAuthorities?: readonly string[];
  readonly clock?: Clock;
  readonly ids?: Ids;
}

const milliseconds = z.int().min(0).max(2_147_483_647);

const numbersSchema = z.object({
  ports: z.array(z.int().min(1).max(65_535)).default([443, 80]),
  holdMs: milliseconds.default(0),
  maxPending: z.int().min(1).default(5),
  approvalExpiresInMs: milliseconds.default(7 * 24 * 60 * 60 * 1_000),
  lookupTimeoutMs: milliseconds.default(5_000),
  connectTimeoutMs: milliseconds.default(10_000),
  genieId: z.string().min(1).default('genie'),
});

export type ResolvedNumbers = Readonly<z.output<typeof numbersSchema>>;

/** Fills in the defaults. Throws `GENIE_EGRESS_OPTIONS` that names the option. */
export function resolveNumbers(options: EgressOptions): ResolvedNumbers {
  const parsed = numbersSchema.safeParse(options);
  if (parsed.success && Array.isArray(options.allow)) return Object.freeze(parsed.data);
  const why = parsed.success ? 'allow must be a list of hosts; [] allows nobody' : z.prettifyError(parsed.error);
  throw new GenieError('GENIE_EGRESS_OPTIONS', `createEgress: ${why}`);
}
