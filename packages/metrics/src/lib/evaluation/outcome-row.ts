import type { RunOutcomeReport } from '../outcome.ts';
import type { RunFacts } from '../run-facts.ts';
import type { StoredRecord } from '../store/metrics-store.ts';

/** A stored outcome with what is known of its run. */
export type OutcomeRow = RunOutcomeReport & { readonly facts?: RunFacts };

/** Rows of the kind `outcome` are written by `measure` only, in this form. */
export function toOutcomeRow(row: StoredRecord): OutcomeRow {
  return { ...(row.body as unknown as RunOutcomeReport & { facts?: RunFacts }), at: row.at };
}
