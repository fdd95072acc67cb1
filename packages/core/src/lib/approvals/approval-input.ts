import type { Clock } from '../ports/clock.ts';
import type { Ids } from '../ports/ids.ts';
import { actionHash, assertPlainJson, exactAction } from './action-hash.ts';
import { inputError } from './approval-errors.ts';
import type { ApprovalRow } from './approval-store.ts';
import type { ApprovalAction, ApprovalRequest, Decision, Grant, Verdict } from './approvals.ts';

interface InputDeps {
  readonly clock: Clock;
  readonly ids: Ids;
}

const defaultExpiryMs = 7 * 24 * 60 * 60 * 1000;
const verdicts: ReadonlySet<string> = new Set<Verdict>(['allow-once', 'allow-always', 'deny', 'deny-always']);

/** The row of a request, checked and copied: a caller who changes the payload later does not change what was asked. */
export function rowOf(request: ApprovalRequest, { clock, ids }: InputDeps): ApprovalRow {
  const action = exactAction(request.action);
  const { title, claim, runId, callId, expiresInMs = defaultExpiryMs } = request;
  if (typeof title !== 'string' || title === '') throw inputError('title', title, 'one line for the user');
  for (const [name, value] of Object.entries({ claim, runId, callId })) assertOptionalText(name, value);
  if (!(Number.isFinite(expiresInMs) && expiresInMs > 0)) {
    throw inputError('expiresInMs', expiresInMs, 'a positive number of milliseconds');
  }
  const requestedAt = clock.now();
  return {
    format: 1,
    id: ids.next('apr'),
    action: copyOf(action) as ApprovalAction,
    actionHash: actionHash(action),
    title,
    ...(claim === undefined ? {} : { claim }),
    ...(runId === undefined ? {} : { runId }),
    ...(callId === undefined ? {} : { callId }),
    requestedAt,
    expiresAt: requestedAt + expiresInMs,
  };
}

/** The decision, checked and copied. */
export function exactDecision(decision: Decision): Decision {
  const { verdict, by, note, edited } = decision;
  if (!verdicts.has(verdict)) throw inputError('decision.verdict', verdict, `one of ${[...verdicts].join(', ')}`);
  if (typeof by !== 'string' || by === '') throw inputError('decision.by', by, 'who decided');
  assertOptionalText('decision.note', note);
  assertPlainJson(edited, 'decision.edited');
  return {
    verdict,
    by,
    ...(note === undefined ? {} : { note }),
    ...(edited === undefined ? {} : { edited: copyOf(edited) as NonNullable<Decision['edited']> }),
  };
}

/** The grant, checked, with its id. */
export function exactGrant(grant: Omit<Grant, 'id' | 'grantedAt'>, { clock, ids }: InputDeps): Grant {
  const { genieId, kind, subject, effect, expiresAt, approvalId } = grant;
  for (const [name, value] of Object.entries({ genieId, kind, subject })) {
    if (typeof value !== 'string' || value === '') throw inputError(`grant.${name}`, value, 'a non-empty string');
  }
  if (effect !== 'allow' && effect !== 'deny') throw inputError('grant.effect', effect, '"allow" or "deny"');
  if (expiresAt !== undefined && !Number.isFinite(expiresAt)) {
    throw inputError('grant.expiresAt', expiresAt, 'epoch milliseconds');
  }
  assertOptionalText('grant.approvalId', approvalId);
  return {
    id: ids.next('grant'),
    genieId,
    kind,
    subject,
    effect,
    grantedAt: clock.now(),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(approvalId === undefined ? {} : { approvalId }),
  };
}

function assertOptionalText(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string') throw inputError(name, value, 'a string');
}

function copyOf(value: unknown): unknown {
  return deepFreeze(JSON.parse(JSON.stringify(value)));
}

/** Rows are shared with callers and kept in caches, so nobody may change them. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
