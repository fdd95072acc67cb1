import { parseJson } from '../json.ts';
import { actionHash } from './action-hash.ts';
import { deepFreeze } from './approval-input.ts';
import type { ApprovalRow, Settlement } from './approval-store.ts';
import type { Grant } from './approvals.ts';

/** What is wrong with a stored file, in words. */
export class RecordProblem extends Error {}

/** Reads a stored request. Throws {@link RecordProblem}, also when the action does not have the hash that was stored. */
export function parseRow(text: string): ApprovalRow {
  const value = parseRecord(text);
  const row = value as unknown as ApprovalRow;
  expectMembers(value, 'string', ['id', 'actionHash', 'title']);
  expectMembers(value, 'number', ['requestedAt', 'expiresAt']);
  if (hashOf(row) !== row.actionHash) throw new RecordProblem('its action does not have the stored hash');
  return deepFreeze(row);
}

/** The stored form of a settlement names its approval, so that a file under a wrong name decides nothing. */
export function settlementToText(id: string, settlement: Settlement): string {
  return JSON.stringify({ id, ...settlement });
}

export function parseSettlement(id: string, text: string): Settlement {
  const { id: storedId, ...value } = parseRecord(text);
  if (storedId !== id) throw new RecordProblem(`it belongs to ${String(storedId)}`);
  expectMembers(value, 'number', ['at']);
  if (value.kind !== 'expired') {
    if (value.kind !== 'decided') throw new RecordProblem(`its kind is ${String(value.kind)}`);
    const decision: unknown = value.decision;
    if (typeof decision !== 'object' || decision === null) throw new RecordProblem('it has no decision');
    expectMembers(decision as Record<string, unknown>, 'string', ['verdict', 'by']);
  }
  return deepFreeze(value as unknown as Settlement);
}

export function grantToText(grant: Grant): string {
  return JSON.stringify({ format: 1, ...grant });
}

export function parseGrant(text: string): Grant {
  const { format: _format, ...value } = parseRecord(text);
  expectMembers(value, 'string', ['id', 'genieId', 'kind', 'subject']);
  expectMembers(value, 'number', ['grantedAt']);
  if (value.effect !== 'allow' && value.effect !== 'deny')
    throw new RecordProblem(`its effect is ${String(value.effect)}`);
  if (value.expiresAt !== undefined) expectMembers(value, 'number', ['expiresAt']);
  return deepFreeze(value as unknown as Grant);
}

function parseRecord(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    throw new RecordProblem('it is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RecordProblem('it is not an object');
  const { format } = value as { format?: unknown };
  if (format !== 1) throw new RecordProblem(`its format is ${String(format)}, this version reads 1`);
  return value as Record<string, unknown>;
}

function expectMembers(value: Record<string, unknown>, type: 'string' | 'number', names: readonly string[]): void {
  for (const name of names) {
    if (typeof value[name] !== type) throw new RecordProblem(`its member "${name}" is no ${type}`);
  }
}

function hashOf(row: ApprovalRow): string | undefined {
  try {
    return actionHash(row.action);
  } catch {
    return undefined;
  }
}
