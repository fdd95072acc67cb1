import { GenieError, type GenieErrorCode } from '@genie/core/errors';

/** Every way a model call can fail. The table of {@link failureTable} says what follows. */
export type ModelFailureKind =
  | 'key-missing'
  | 'auth'
  | 'model-unknown'
  | 'rate-limit'
  | 'quota'
  | 'overloaded'
  | 'server-error'
  | 'timeout'
  | 'network'
  | 'egress-denied'
  | 'approval-required'
  | 'context-length'
  | 'content-filter'
  | 'bad-request'
  | 'bad-output'
  | 'stream-broken'
  | 'peer-missing'
  | 'aborted'
  | 'unknown';

/** What to do after a failure: the same model again, the next one, or give up. */
export type FailureAction = 'retry' | 'fail-over' | 'stop';

export interface FailureRule {
  readonly code: GenieErrorCode;
  /** `retry` turns into `fail-over` when the attempts of a candidate are used up, and `fail-over` into `stop` after the last candidate. */
  readonly action: FailureAction;
  /** Whether it counts against the provider's circuit breaker: only failures of the provider do, not those of the request. */
  readonly trips: boolean;
  /** What a person can do about it. */
  readonly fix: string;
}

/** The one table that decides. Each row is tested against injected faults. */
export const failureTable: Readonly<Record<ModelFailureKind, FailureRule>> = {
  'key-missing': row(
    'GENIE_MODEL_KEY_MISSING',
    'fail-over',
    false,
    'Pass "apiKey", or put the key into the environment that you pass.',
  ),
  auth: row('GENIE_MODEL_AUTH', 'fail-over', false, 'Check that the key is valid and may use this model.'),
  'model-unknown': row('GENIE_MODEL_UNKNOWN', 'fail-over', false, 'Check the model id, or pull the model.'),
  'rate-limit': row(
    'GENIE_MODEL_RATE_LIMIT',
    'retry',
    false,
    'Send fewer requests, or add another model to fail over to.',
  ),
  quota: row('GENIE_MODEL_QUOTA', 'fail-over', false, 'Add credit or raise the limit of the account.'),
  overloaded: row('GENIE_MODEL_OVERLOADED', 'retry', true, 'Try later, or add another model to fail over to.'),
  'server-error': row('GENIE_MODEL_SERVER_ERROR', 'retry', true, 'Try later, or add another model to fail over to.'),
  timeout: row(
    'GENIE_MODEL_TIMEOUT',
    'fail-over',
    true,
    'Raise "deadlineMs" of the candidate, or choose a faster model.',
  ),
  network: row('GENIE_MODEL_NETWORK', 'retry', true, 'Check the address and the connection.'),
  'egress-denied': row('GENIE_MODEL_EGRESS_DENIED', 'fail-over', false, 'Allow the host in the egress policy.'),
  'approval-required': row('GENIE_MODEL_APPROVAL_REQUIRED', 'stop', false, 'Decide the approval, then resume the run.'),
  'context-length': row(
    'GENIE_MODEL_CONTEXT_LENGTH',
    'fail-over',
    false,
    'Shorten the prompt, or add a model with a larger context.',
  ),
  'content-filter': row(
    'GENIE_MODEL_CONTENT_FILTER',
    'stop',
    false,
    'The provider refused the content: change the request.',
  ),
  'bad-request': row(
    'GENIE_MODEL_BAD_REQUEST',
    'stop',
    false,
    'The provider does not accept this request: see its message.',
  ),
  'bad-output': row(
    'GENIE_MODEL_BAD_OUTPUT',
    'retry',
    true,
    'The answer was not in the documented form: try again, or use another model.',
  ),
  'stream-broken': row('GENIE_MODEL_STREAM_BROKEN', 'retry', true, 'The answer ended early: try again.'),
  'peer-missing': row('GENIE_MODEL_PEER_MISSING', 'fail-over', false, 'Install the package that the message names.'),
  aborted: row('GENIE_MODEL_ABORTED', 'stop', false, 'The call was cancelled by its signal.'),
  unknown: row('GENIE_MODEL_FAILED', 'fail-over', true, 'See the message of the provider.'),
};

export interface ModelFailure {
  readonly kind: ModelFailureKind;
  readonly message: string;
  /** HTTP status, when there was an answer. */
  readonly status?: number;
  /** How long the provider asks to wait. */
  readonly retryAfterMs?: number;
  /** An error that must reach the caller as it is, such as a pending approval. */
  readonly original?: unknown;
}

/** The coded form of a failure: `code` from the table, `details.kind`, `details.model`, `details.status`, `details.retryAfterMs`. */
export function toModelError(failure: ModelFailure, model: string): GenieError {
  const rule = failureTable[failure.kind];
  return new GenieError(rule.code, `Model "${model}": ${failure.message.replace(/\.$/, '')}. ${rule.fix}`, {
    details: {
      kind: failure.kind,
      model,
      retryable: rule.action === 'retry',
      ...(failure.status === undefined ? {} : { status: failure.status }),
      ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
    },
  });
}

function row(code: GenieErrorCode, action: FailureAction, trips: boolean, fix: string): FailureRule {
  return { code, action, trips, fix };
}
