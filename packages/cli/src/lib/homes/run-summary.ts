import type { RunOutcome } from '@genie/core';
import type { JournalRecord, JournalRun } from '@genie/core/journal';
import type { Approvals, Trigger } from '@genie/core/ports';
import type { GenieStore } from '../compose/genie-store.ts';

/** A run as listings show it. `waiting` needs a decision, `ready` has its decisions, `interrupted` was cut short. */
export interface RunSummary {
  readonly runId: string;
  readonly status:
    | 'completed'
    | 'skipped'
    | 'failed'
    | 'cancelled'
    | 'waiting'
    | 'ready'
    | 'interrupted'
    | 'running'
    | 'damaged';
  readonly trigger: Trigger | undefined;
  /** Epoch ms. */
  readonly openedAt: number;
  readonly closedAt?: number;
  readonly outcome?: RunOutcome;
  /** What it waits for. */
  readonly approvalIds: readonly string[];
}

/** Every run of a genie, oldest first. Reads the journal without owning it. */
export async function summarizeRuns(
  store: Pick<GenieStore, 'runs' | 'records' | 'approvals'>,
  { isInUse }: { readonly isInUse: boolean },
): Promise<readonly RunSummary[]> {
  const summaries: RunSummary[] = [];
  for (const run of await store.runs()) {
    const records = run.status === 'open' ? await store.records(run.runId) : [];
    summaries.push(await summarize(run, records, { approvals: store.approvals, isInUse }));
  }
  return summaries;
}

async function summarize(
  run: JournalRun,
  records: readonly JournalRecord[],
  options: { readonly approvals: Approvals; readonly isInUse: boolean },
): Promise<RunSummary> {
  const base = {
    runId: run.runId,
    trigger: run.meta.trigger as unknown as Trigger | undefined,
    openedAt: run.openedAt,
  };
  if (run.status === 'damaged') return { ...base, status: 'damaged', approvalIds: [] };
  if (run.closed) {
    const outcome = run.closed.outcome as unknown as RunOutcome;
    return { ...base, status: run.closed.status, closedAt: run.closed.at, outcome, approvalIds: [] };
  }
  const last = records.at(-1);
  if (last?.kind !== 'suspended')
    return { ...base, status: options.isInUse ? 'running' : 'interrupted', approvalIds: [] };
  const rows = await Promise.all(last.approvalIds.map((id) => options.approvals.get(id)));
  const status = rows.some((row) => row?.status === 'pending') ? 'waiting' : 'ready';
  return { ...base, status, approvalIds: last.approvalIds };
}

/** True for runs that `genie resume` can go on with. */
export function isUnfinished({ status }: RunSummary): boolean {
  return status === 'waiting' || status === 'ready' || status === 'interrupted';
}
