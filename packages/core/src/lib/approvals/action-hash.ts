import { createHash } from 'node:crypto';
import { canonicalJson } from '../json.ts';
import { inputError } from './approval-errors.ts';
import type { ApprovalAction } from './approvals.ts';

const maxDepth = 100;
const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * SHA-256 of the canonical JSON of `kind`, `genieId`, `subject` and `payload`, hex. Two actions with the same hash are the
 * same action: the order of members does not matter, everything else does.
 *
 * Throws `GENIE_APPROVAL_INPUT` for a value that JSON would change silently (NaN, Map, Date, functions, `__proto__` members,
 * cycles), because the user would then decide about something else than what happens.
 */
export function actionHash(action: ApprovalAction): string {
  return createHash('sha256')
    .update(canonicalJson(exactAction(action)))
    .digest('hex');
}

/** The four members that the hash covers, checked. Other members of the given object are left out. */
export function exactAction(action: ApprovalAction): ApprovalAction {
  const { kind, genieId, subject, payload } = action;
  for (const [name, value] of Object.entries({ kind, genieId, subject })) {
    if (typeof value !== 'string' || value === '') throw inputError(`action.${name}`, value, 'a non-empty string');
  }
  if (!isPlainObject(payload)) throw inputError('action.payload', payload, 'a plain object');
  assertPlainJson(payload, 'action.payload');
  return { kind, genieId, subject, payload };
}

/** Throws `GENIE_APPROVAL_INPUT` unless the value survives a JSON round trip unchanged (`undefined` members aside). */
export function assertPlainJson(value: unknown, path: string, depth = 0): void {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw inputError(path, value, 'a finite number');
    return;
  }
  if (depth > maxDepth) throw inputError(path, '…', `JSON of at most ${maxDepth} levels (is it a cycle?)`);
  if (Array.isArray(value)) {
    for (const [index, member] of value.entries()) {
      if (member === undefined) throw inputError(`${path}[${index}]`, member, 'a JSON value');
      assertPlainJson(member, `${path}[${index}]`, depth + 1);
    }
    return;
  }
  if (!isPlainObject(value)) throw inputError(path, value, 'a JSON value');
  for (const [key, member] of Object.entries(value)) {
    if (forbiddenKeys.has(key)) throw inputError(`${path}.${key}`, member, 'no member of that name');
    assertPlainJson(member, `${path}.${key}`, depth + 1);
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // The second form is a plain object of another realm (a worker, a vm context).
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}
