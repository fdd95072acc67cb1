import path from 'node:path';
import { writeFileAtomic } from '../store/atomic-file.ts';
import { applyChange } from './apply-change.ts';
import { createReport } from './create-report.ts';
import type { ExperimentReport, ExperimentRequest, ExperimentRow, SandboxEvent, Variant } from './experiment.ts';
import { reportToMarkdown } from './experiment-report.ts';
import type { ExperimentStore } from './experiment-store.ts';
import { runCases } from './run-cases.ts';
import type { FolderCopy, FolderSandbox } from './sandbox-folders.ts';

export type RecordSandboxEvent = (
  experimentId: string,
  kind: SandboxEvent['event'],
  folder: string,
  bytes?: number,
) => Promise<void>;

export interface ConductDeps {
  readonly dir: string;
  readonly sandbox: FolderSandbox;
  readonly store: ExperimentStore;
  now(): number;
  /** Stores the row with changes. */
  move(row: ExperimentRow, changes: Partial<ExperimentRow>): Promise<ExperimentRow>;
  readonly event: RecordSandboxEvent;
}

/** Copies twice, changes one copy, tries the cases, and writes the report. */
export async function conductExperiment(
  deps: ConductDeps,
  row: ExperimentRow,
  request: ExperimentRequest,
): Promise<ExperimentReport> {
  const { dir, store, event, move } = deps;
  const { id } = row;
  const total = request.cases.length;
  request.onProgress?.({ state: 'copying', done: 0, total });
  const baseline = await copy(deps, id, 'baseline', request);
  const changed = await copy(deps, id, 'changed', request);
  await applyChange(changed.folder, request.change);
  await event(id, 'changed', changed.folder);
  const started = await move(row, { state: 'running' });
  const results = await runCases({
    experimentId: id,
    request,
    folders: { baseline: baseline.folder, changed: changed.folder },
    measuredDir: path.join(dir, 'measured', id),
    signal: request.signal ?? new AbortController().signal,
    onCase: (done) => request.onProgress?.({ state: 'running', done, total }),
  });
  await store.addMetrics(results.metrics);
  const report = createReport({ row: started, request, results, copy: changed, endedAt: deps.now() });
  writeFileAtomic(path.join(dir, 'reports', `${id}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileAtomic(path.join(dir, 'reports', `${id}.md`), reportToMarkdown(report));
  await move(started, { state: 'finished', report });
  request.onProgress?.({ state: 'finished', done: results.tried, total });
  return report;
}

async function copy(deps: ConductDeps, id: string, variant: Variant, request: ExperimentRequest): Promise<FolderCopy> {
  const total = request.cases.length;
  const made = await deps.sandbox.create({
    id: `${id}-${variant}`,
    from: request.folder,
    ...(request.signal === undefined ? {} : { signal: request.signal }),
    onProgress: ({ bytes }) => request.onProgress?.({ state: 'copying', done: 0, total, bytes }),
  });
  await deps.event(id, 'created', made.folder, made.bytes);
  return made;
}
