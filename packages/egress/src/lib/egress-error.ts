import { GenieError, type GenieErrorCode } from '@genie/core/errors';
import type { DenialReason } from './policy/decision.ts';

const codeOf: Partial<Record<DenialReason, GenieErrorCode>> = {
  'name-not-found': 'GENIE_EGRESS_UNREACHABLE',
  resolver: 'GENIE_EGRESS_UNREACHABLE',
  unreachable: 'GENIE_EGRESS_UNREACHABLE',
  timeout: 'GENIE_EGRESS_UNREACHABLE',
  'too-many-pending': 'GENIE_EGRESS_BUSY',
  rate: 'GENIE_EGRESS_BUSY',
  'request-bytes': 'GENIE_EGRESS_LIMIT',
  'response-bytes': 'GENIE_EGRESS_LIMIT',
  audit: 'GENIE_EGRESS_AUDIT',
  closed: 'GENIE_EGRESS_CLOSED',
};

/**
 * A request that was not let out, or that did not get through. Codes: `GENIE_EGRESS_DENIED` (policy or user),
 * `GENIE_EGRESS_UNREACHABLE` (no such name, resolver or server failed), `GENIE_EGRESS_BUSY` (rate, or too many pending approvals),
 * `GENIE_EGRESS_LIMIT` (byte limits), `GENIE_EGRESS_AUDIT` (the log cannot be written), `GENIE_EGRESS_CLOSED`.
 */
export class EgressError extends GenieError {
  readonly reason: DenialReason;

  constructor(
    reason: DenialReason,
    message: string,
    options: { readonly cause?: unknown; readonly host?: string; readonly port?: number } = {},
  ) {
    super(codeOf[reason] ?? 'GENIE_EGRESS_DENIED', message, {
      ...(options.cause === undefined ? {} : { cause: options.cause }),
      details: {
        reason,
        ...(options.host === undefined ? {} : { host: options.host }),
        ...(options.port === undefined ? {} : { port: options.port }),
      },
    });
    this.name = 'EgressError';
    this.reason = reason;
  }
}
