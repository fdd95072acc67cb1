import { GenieError } from '../genie-error.ts';
import type { Settlement } from './approval-store.ts';

/** The error for a request, action, decision or grant that cannot be stored as given. */
export function inputError(path: string, received: unknown, expected: string): GenieError {
  return new GenieError('GENIE_APPROVAL_INPUT', `Approval: ${path} is ${show(received)}; pass ${expected}.`, {
    details: { path, expected },
  });
}

/** The error for an id that no row has, also for one that no row can have. */
export function unknownError(id: unknown): GenieError {
  return new GenieError(
    'GENIE_APPROVAL_UNKNOWN',
    `There is no approval ${show(id)}. List the approvals to see their ids.`,
    {
      details: { id: String(id).slice(0, 80) },
    },
  );
}

/** The error for a decision that came too late. */
export function settledError(id: string, settlement: Settlement): GenieError {
  if (settlement.kind === 'expired') {
    const at = new Date(settlement.at).toISOString();
    return new GenieError(
      'GENIE_APPROVAL_EXPIRED',
      `Approval ${id} has expired (noticed ${at}). The genie has to ask again.`,
      {
        details: { id },
      },
    );
  }
  const { verdict, by } = settlement.decision;
  return new GenieError(
    'GENIE_APPROVAL_DECIDED',
    `Approval ${id} was decided before: ${verdict} by ${by}. The first decision counts.`,
    {
      details: { id, verdict, by },
    },
  );
}

/** The error for a call after `close()`, and for those who still wait then. */
export function closedError(): GenieError {
  return new GenieError('GENIE_APPROVAL_CLOSED', 'These approvals are closed. Open them again to go on.');
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80));
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? 'an array' : `an object of ${value.constructor?.name ?? 'no prototype'}`;
}
