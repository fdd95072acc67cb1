import type { JournalRecord, JournalRun } from './journal.ts';
import { listSegments, readRunFromSegments, scanSegment } from './segment.ts';
import { summarizeRun } from './summarize-run.ts';

/** Lists the runs of a journal folder without owning it, oldest first. For inspection while another process runs. */
export function listRuns(directory: string): readonly JournalRun[] {
  const runs = new Map<string, JournalRun>();
  for (const segment of listSegments(directory)) {
    scanSegment(directory, segment, new Map(), undefined, (record) => {
      const known = runs.get(record.runId);
      if (record.flag === 'o') runs.set(record.runId, summarizeRun(record.runId, [record.json() as JournalRecord]));
      else if (record.flag === 'c')
        runs.set(record.runId, withClosing(record.runId, known, record.json() as JournalRecord));
      else if (!known) runs.set(record.runId, { runId: record.runId, status: 'damaged', openedAt: 0, meta: {} });
    });
  }
  return [...runs.values()].sort((left, right) => left.openedAt - right.openedAt);
}

/** The records of a run in a journal folder, without owning it. Empty when unknown. */
export function readRun(directory: string, runId: string): readonly JournalRecord[] {
  return readRunFromSegments(directory, runId).records;
}

function withClosing(runId: string, known: JournalRun | undefined, record: JournalRecord): JournalRun {
  const closing = summarizeRun(runId, [record]);
  if (!known) return { ...closing, status: 'damaged' };
  return { ...known, status: 'closed', ...(closing.closed ? { closed: closing.closed } : {}) };
}
