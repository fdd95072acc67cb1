import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import {
  type ApprovalAction,
  type Approvals,
  type Clock,
  canonicalJson,
  createIds,
  type Ids,
  type JsonObject,
  systemClock,
} from '@genie/core/ports';
import type { Changes } from '../adjustments/changes.ts';
import { applyAdjustment } from '../adjustments/settings.ts';
import { settingsFile } from '../adjustments/settings-file.ts';
import { writeFileAtomic } from '../store/atomic-file.ts';
import type {
  ExperimentChange,
  ExperimentMetric,
  ExperimentReport,
  ExperimentRequest,
  ExperimentRow,
  SandboxEvent,
  Variant,
} from './experiment.ts';
import { reportToMarkdown } from './experiment-report.ts';
import { type ExperimentStore, openExperimentStore } from './experiment-store.ts';
import { adoptEdits, applyEdits, checkEdits, recoverAdoption, undoEdits } from './file-edits.ts';
import { localFolderSandbox } from './local-sandbox-folders.ts';
import { compare, recommend } from './recommend.ts';
import { type CaseResults, runCases } from './run-cases.ts';
import type { FolderCopy, FolderSandbox } from './sandbox-folders.ts';

export interface ExperimentsOptions {
  /** A folder of its own, outside of every home: copies, records and reports of experiments. */
  readonly dir: string;
  readonly sandbox?: FolderSandbox;
  readonly store?: ExperimentStore;
  readonly clock?: Pick<Clock, 'now'>;
  readonly ids?: Ids;
  /** Adopts experiments with adjustments. */
  readonly changes?: Changes;
  /** Decides on the adoption of file edits. */
  readonly approvals?: Pick<Approvals, 'get' | 'consume'>;
  readonly genieId?: string;
}

export interface SweepPolicy {
  /** Copies older than this go. Default 30 days. */
  readonly keepMs?: number;
  /** At most so many experiments keep their copies, the newest ones. Default 20. */
  readonly keepExperiments?: number;
}

/**
 * Tries changes out in isolated copies. Nothing starts by itself: every experiment is asked for. Errors by code:
 * `GENIE_EXPERIMENT_REQUEST`, `GENIE_EXPERIMENT_CHANGE`, `GENIE_EXPERIMENT_COPY`, `GENIE_EXPERIMENT_UNKNOWN`, `GENIE_EXPERIMENT_STATE`,
 * `GENIE_ADJUSTMENT_NOT_ALLOWED`.
 */
export interface Experiments {
  /** Copies, applies the change to one copy, tries every case on both, compares and recommends. */
  run(request: ExperimentRequest): Promise<ExperimentReport>;
  get(id: string): Promise<ExperimentRow | undefined>;
  list(): Promise<readonly ExperimentRow[]>;
  metrics(id: string): Promise<readonly ExperimentMetric[]>;
  /** What happened to copies. */
  history(id?: string): Promise<readonly SandboxEvent[]>;
  /** The action that an approval for adopting file edits is bound to. */
  adoptAction(id: string): Promise<ApprovalAction>;
  /** Brings the change to the original, with an allowed approval: of the proposal (adjustment) or of {@link adoptAction} (files). */
  adopt(id: string, options: { readonly approvalId: string }): Promise<ExperimentRow>;
  /** Before adoption: the change is dropped. After it: the original is put back, at once. Copies stay for audit. */
  rollBack(id: string, options: { readonly reason: string; readonly by: string }): Promise<ExperimentRow>;
  /** Removes old copies; records and reports stay. Returns the experiments whose copies went. */
  sweep(policy?: SweepPolicy): Promise<readonly string[]>;
  /** Finishes an adoption or roll-back that a crash cut short, and marks experiments that died. */
  recover(): Promise<readonly ExperimentRow[]>;
  close(): Promise<void>;
}

const dayMs = 86_400_000;

export function openExperiments(options: ExperimentsOptions): Experiments {
  const dir = path.resolve(options.dir);
  mkdirSync(path.join(dir, 'reports'), { recursive: true, mode: 0o700 });
  const clock = options.clock ?? systemClock;
  const ids = options.ids ?? createIds(clock);
  const sandbox = options.sandbox ?? localFolderSandbox(path.join(dir, 'copies'));
  const store = options.store ?? openExperimentStore(dir);
  const running = new Set<string>();

  const get = async (id: string): Promise<ExperimentRow> => {
    const row = await store.get(id);
    if (row !== undefined) return row;
    throw new GenieError(
      'GENIE_EXPERIMENT_UNKNOWN',
      `There is no experiment ${JSON.stringify(id)}. List them with list().`,
    );
  };
  const move = async (row: ExperimentRow, changes: Partial<ExperimentRow>): Promise<ExperimentRow> => {
    const next = { ...row, ...changes, updatedAt: clock.now() };
    await store.save(next);
    return next;
  };
  const event = (experimentId: string, kind: SandboxEvent['event'], folder: string, bytes?: number): Promise<void> =>
    store.addEvent({ experimentId, event: kind, folder, at: clock.now(), ...(bytes === undefined ? {} : { bytes }) });
  const planFile = (id: string): string => path.join(dir, 'reports', `${id}.adoption.json`);

  const copy = async (id: string, variant: Variant, request: ExperimentRequest): Promise<FolderCopy> => {
    const made = await sandbox.create({
      id: `${id}-${variant}`,
      from: request.folder,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
      onProgress: ({ bytes }) =>
        request.onProgress?.({ state: 'copying', done: 0, total: request.cases.length, bytes }),
    });
    await event(id, 'created', made.folder, made.bytes);
    return made;
  };

  const conduct = async (row: ExperimentRow, request: ExperimentRequest): Promise<ExperimentReport> => {
    const { id } = row;
    const total = request.cases.length;
    request.onProgress?.({ state: 'copying', done: 0, total });
    const baseline = await copy(id, 'baseline', request);
    const changed = await copy(id, 'changed', request);
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
    const report = createReport(started, request, results, changed, clock.now());
    writeFileAtomic(path.join(dir, 'reports', `${id}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
    writeFileAtomic(path.join(dir, 'reports', `${id}.md`), reportToMarkdown(report));
    await move(started, { state: 'finished', report });
    request.onProgress?.({ state: 'finished', done: results.tried, total });
    return report;
  };

  const adoptAction = async (id: string): Promise<ApprovalAction> => {
    const { change, folder } = await get(id);
    const hash = createHash('sha256').update(canonicalJson(change)).digest('hex');
    const payload = { experimentId: id, folder, changeHash: hash };
    return { kind: 'experiment', genieId: options.genieId ?? '', subject: 'experiment:adopt', payload };
  };

  const adoptFiles = async (row: ExperimentRow, approvalId: string): Promise<void> => {
    if (row.change.kind !== 'files') return;
    const action = await adoptAction(row.id);
    checkEdits(row.folder, row.change.edits);
    if (!(await options.approvals?.consume(approvalId, action))) {
      const message = `Experiment "${row.title}" cannot be adopted: approval ${approvalId} is no allowed approval of exactly this adoption. Ask for adoptAction().`;
      throw new GenieError('GENIE_ADJUSTMENT_NOT_ALLOWED', message);
    }
    adoptEdits(planFile(row.id), row.folder, row.change.edits);
  };

  const undoAdopted = async (row: ExperimentRow, reason: string, by: string): Promise<void> => {
    if (row.change.kind === 'files') {
      undoEdits(planFile(row.id));
      return;
    }
    const change = (await options.changes?.list())?.find(
      (one) => one.experimentId === row.id && one.state === 'adopted',
    );
    if (change !== undefined) await options.changes?.undo(change.id, { reason, by });
  };

  return {
    async run(request) {
      checkRequest(dir, request);
      const now = clock.now();
      const { title, change, requestedBy } = request;
      const folder = realpathSync(request.folder);
      const id = ids.next('experiment');
      const row: ExperimentRow = {
        id,
        title,
        state: 'copying',
        folder,
        requestedBy,
        createdAt: now,
        updatedAt: now,
        change,
      };
      await store.save(row);
      running.add(id);
      try {
        return await conduct(row, request);
      } catch (error) {
        await move(await get(id), { state: 'failed', error: describeThrown(error).slice(0, 1000) });
        throw error;
      } finally {
        running.delete(id);
      }
    },
    get: (id) => store.get(id),
    list: () => store.list(),
    metrics: (id) => store.metrics(id),
    history: (id) => store.history(id),
    adoptAction,
    async adopt(id, { approvalId }) {
      const row = await get(id);
      if (row.state !== 'finished') throw badState(row, 'only a finished experiment can be adopted');
      if (row.change.kind === 'adjustment') {
        if (options.changes === undefined)
          throw badState(row, 'adopting an adjustment needs `changes` in openExperiments');
        const guards = row.report?.comparisons.map(({ kpiId }) => ({ kpiId })) ?? [];
        await options.changes.adopt({ proposal: row.change.proposal, approvalId, experimentId: id, guards });
      } else {
        await adoptFiles(row, approvalId);
      }
      return move(row, { state: 'adopted' });
    },
    async rollBack(id, { reason, by }) {
      const row = await get(id);
      if (row.state === 'adopted') await undoAdopted(await move(row, { state: 'undoing' }), reason, by);
      else if (row.state !== 'finished')
        throw badState(row, 'only a finished or adopted experiment can be rolled back');
      return move(row, { state: 'rolled-back', error: reason });
    },
    async sweep(policy = {}) {
      const { keepMs = 30 * dayMs, keepExperiments = 20 } = policy;
      const rows = [...(await store.list())].reverse();
      const copies = new Map((await sandbox.list()).map((one) => [one.id, one.folder]));
      const gone: string[] = [];
      for (const [index, row] of rows.entries()) {
        const own = (['baseline', 'changed'] as const)
          .map((variant) => `${row.id}-${variant}`)
          .filter((name) => copies.has(name));
        const old = clock.now() - row.createdAt > keepMs || index >= keepExperiments;
        if (!old || running.has(row.id) || own.length === 0) continue;
        for (const name of own) {
          await sandbox.remove(name);
          await event(row.id, 'swept', copies.get(name) ?? name);
        }
        await rm(path.join(dir, 'measured', row.id), { recursive: true, force: true });
        gone.push(row.id);
      }
      return gone;
    },
    async recover() {
      const moved: ExperimentRow[] = [];
      for (const row of await store.list()) {
        if (running.has(row.id)) continue;
        const reached = row.change.kind === 'files' ? recoverAdoption(planFile(row.id)) : undefined;
        if (reached !== undefined)
          moved.push(await move(row, { state: reached === 'adopted' ? 'adopted' : 'rolled-back' }));
        else if (row.state === 'copying' || row.state === 'running') {
          await event(row.id, 'abandoned', path.join(dir, 'copies', row.id));
          moved.push(await move(row, { state: 'failed', error: 'the process ended in the middle' }));
        } else moved.push(...(await settle(row)));
      }
      return moved;
    },
    close: () => store.close(),
  };

  /** The change log or the plan may be ahead of the row when a crash came between them. */
  async function settle(row: ExperimentRow): Promise<ExperimentRow[]> {
    if (row.change.kind === 'adjustment' && options.changes !== undefined) {
      const change = (await options.changes.list()).find(
        (one) => one.experimentId === row.id && one.state !== 'aborted',
      );
      const state = change?.state === 'adopted' ? 'adopted' : change?.state === 'undone' ? 'rolled-back' : undefined;
      if (state === 'adopted' && row.state === 'undoing') {
        await undoAdopted(row, 'roll-back finished after a crash', 'recover');
        return [await move(row, { state: 'rolled-back' })];
      }
      return state === undefined || state === row.state ? [] : [await move(row, { state })];
    }
    if (row.state !== 'undoing') return [];
    await undoAdopted(row, 'roll-back finished after a crash', 'recover');
    return [await move(row, { state: 'rolled-back' })];
  }
}

async function applyChange(folder: string, change: ExperimentChange): Promise<void> {
  if (change.kind === 'files') {
    applyEdits(folder, change.edits);
    return;
  }
  const file = change.settingsFile ?? 'genie.json';
  checkEdits(folder, [{ path: file, content: '' }]);
  const target = settingsFile(path.join(folder, file));
  await target.write(applyAdjustment(await target.read(), change.proposal.adjustment));
}

function createReport(
  row: ExperimentRow,
  request: ExperimentRequest,
  results: CaseResults,
  copy: FolderCopy,
  endedAt: number,
): ExperimentReport {
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

function checkRequest(dir: string, request: ExperimentRequest): void {
  const fail = (why: string): never => {
    throw new GenieError('GENIE_EXPERIMENT_REQUEST', `Experiment "${request.title}": ${why}.`);
  };
  if (request.cases.length === 0) fail('it has no cases; name the runs to replay or one name per repetition');
  if (new Set(request.cases).size !== request.cases.length) fail('a case is named twice');
  if (request.kpis.length === 0) fail('it has no KPIs, so nothing could be compared');
  let folder = '';
  try {
    folder = realpathSync(request.folder);
  } catch {
    fail(`the folder ${request.folder} does not exist`);
  }
  const relative = path.relative(folder, dir);
  if (relative === '' || (!relative.startsWith('..') && !path.isAbsolute(relative))) {
    fail(
      `the experiments folder ${dir} lies inside ${folder}, so copies would contain themselves; open experiments elsewhere`,
    );
  }
  if (request.change.kind === 'files') checkEdits(folder, request.change.edits);
}

function badState(row: ExperimentRow, why: string): GenieError {
  return new GenieError('GENIE_EXPERIMENT_STATE', `Experiment "${row.title}" is ${row.state}: ${why}.`);
}
