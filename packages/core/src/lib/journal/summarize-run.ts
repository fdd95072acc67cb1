import type { JournalRecord, JournalRun } from './journal.ts';

/** The listing of a run from its first and last records. */
export function summarizeRun(runId: string, records: readonly JournalRecord[]): JournalRun {
  const first = records[0];
  const last = records.at(-1);
  const opened = first?.kind === 'opened' ? first : undefined;
  return {
    runId,
    status: last?.kind === 'closed' ? 'closed' : 'open',
    openedAt: opened?.at ?? 0,
    meta: opened?.meta ?? {},
    ...(last?.kind === 'closed' ? { closed: { at: last.at, status: last.status, outcome: last.outcome } } : {}),
  };
}
