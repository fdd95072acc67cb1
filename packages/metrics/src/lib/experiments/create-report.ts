import type { JsonObject } from '@genie/core/ports';
import type { ExperimentReport, ExperimentRequest, ExperimentRow, Variant } from './experiment.ts';
import { compare, recommend } from './recommend.ts';
import type { CaseResults } from './run-cases.ts';
import type { FolderCopy } from './sandbox-folders.ts';

/** What the cases say, with a recommendation. */
export function createReport(input: {
  readonly row: ExperimentRow;
  readonly request: ExperimentRequest;
  readonly results: CaseResults;
  readonly copy: FolderCopy;
  readonly endedAt: number;
}): ExperimentReport {
  const { row, request, results, copy, endedAt } = input;
  const comparisons = compare(request.kpis, results.metrics);
  const has = (kpiId: string, variant: Variant): boolean =>
    results.metrics.some((one) => one.kpiId === kpiId && one.variant === variant && one.value !== undefined);
  const ids = request.kpis.map((kpi) => kpi.id);
  const lost = ids.filter((kpiId) => has(kpiId, 'baseline') && !has(kpiId, 'changed'));
  const guards = request.guards ?? ids.map((kpiId) => ({ kpiId }));
  const decided = recommend({ comparisons, primary: request.primary ?? ids, guards, failed: results.failed, lost });
  const { files, bytes, tookMs, skipped } = copy;
  return {
    id: row.id,
    title: row.title,
    requestedBy: row.requestedBy,
    folder: row.folder,
    change: JSON.parse(JSON.stringify(row.change)) as JsonObject,
    startedAt: row.createdAt,
    endedAt,
    cases: results.tried,
    failed: results.failed,
    comparisons,
    ...decided,
    cost: results.cost,
    ...(results.stoppedBy === undefined ? {} : { stoppedBy: results.stoppedBy }),
    copy: { files, bytes, tookMs, skipped },
  };
}
