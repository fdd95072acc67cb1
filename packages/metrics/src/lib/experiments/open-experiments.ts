import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import {
  type ApprovalAction,
  type Approvals,
  type Clock,
  canonicalJson,
  createIds,
  type Ids,
  systemClock,
} from '@genie/core/ports';
import type { Changes } from '../adjustments/changes.ts';
import { findRegression, type WatchedChange } from '../adjustments/regression.ts';
import type { RunOutcomeReport } from '../outcome.ts';
import { checkRequest } from './check-request.ts';
import { conductExperiment } from './conduct-experiment.ts';
import type {
  ExperimentMetric,
  ExperimentReport,
  ExperimentRequest,
  ExperimentRow,
  SandboxEvent,
} from './experiment.ts';
import { type ExperimentStore, openExperimentStore } from './experiment-store.ts';
import { adoptEdits, checkEdits, recoverAdoption, undoEdits } from './file-edits.ts';
import { localFolderSandbox } from './local-sandbox-folders.ts';
import { createOwners } from './owners.ts';
import type { FolderSandbox } from './sandbox-folders.ts';
import { type SweepPolicy, sweepCopies } from './sweep-copies.ts';

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
  /**
   * Rolls back adopted file edits after which a KPI got worse, as `changes` does for adjustments. Called with `metrics.outcomes()` after
   * every run. Returns what was rolled back.
   */
  watch(outcomes: readonly RunOutcomeReport[]): Promise<readonly ExperimentRow[]>;
  /** Removes old copies; records and reports stay. Returns the experiments whose copies went. */
  sweep(policy?: SweepPolicy): Promise<readonly string[]>;
  /** Finishes an adoption or roll-back that a crash cut short, and marks experiments that died. */
  recover(): Promise<readonly ExperimentRow[]>;
  close(): Promise<void>;
}

export function openExperiments(options: ExperimentsOptions): Experiments {
  const dir = path.resolve(options.dir);
  mkdirSync(path.join(dir, 'reports'), { recursive: true, mode: 0o700 });
  const clock = options.clock ?? systemClock;
  const ids = options.ids ?? createIds(clock);
  const sandbox = options.sandbox ?? localFolderSandbox(path.join(dir, 'copies'));
  const store = options.store ?? openExperimentStore(dir);
  const running = new Set<string>();
  const owners = createOwners(dir);
  const isRunning = (id: string): boolean => running.has(id) || owners.isAlive(id);

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

  const conduct = (row: ExperimentRow, request: ExperimentRequest): Promise<ExperimentReport> =>
    conductExperiment({ dir, sandbox, store, now: () => clock.now(), move, event }, row, request);

  const changesOf = (row: ExperimentRow, what: string): Changes => {
    if (options.changes !== undefined) return options.changes;
    throw badState(row, `it changes settings, and ${what} needs \`changes\` in openExperiments`);
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
    const changes = changesOf(row, 'rolling it back');
    const own = (await changes.list()).filter((one) => one.experimentId === row.id);
    const change = own.find((one) => one.state === 'adopted');
    if (change !== undefined) await changes.undo(change.id, { reason, by });
    else if (own.at(-1)?.state !== 'undone') throw badState(row, 'its change is not in the log of changes');
  };

  const rollBack: Experiments['rollBack'] = async (id, { reason, by }) => {
    const row = await get(id);
    if (row.state === 'adopted') {
      // Before the row moves: a roll-back that cannot restore anything must not look like one.
      if (row.change.kind === 'adjustment') changesOf(row, 'rolling it back');
      await undoAdopted(await move(row, { state: 'undoing' }), reason, by);
    }
    if (row.state !== 'adopted' && row.state !== 'finished')
      throw badState(row, 'only a finished or adopted experiment can be rolled back');
    return move(row, { state: 'rolled-back', error: reason });
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
      owners.claim(id);
      try {
        return await conduct(row, request);
      } catch (error) {
        await move(await get(id), { state: 'failed', error: describeThrown(error).slice(0, 1000) });
        throw error;
      } finally {
        running.delete(id);
        owners.release(id);
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
        const guards = row.report?.comparisons.map(({ kpiId }) => ({ kpiId })) ?? [];
        const changes = changesOf(row, 'adopting it');
        await changes.adopt({ proposal: row.change.proposal, approvalId, experimentId: id, guards });
      } else {
        await adoptFiles(row, approvalId);
      }
      return move(row, { state: 'adopted' });
    },
    rollBack,
    async watch(outcomes) {
      const undone: ExperimentRow[] = [];
      for (const row of [...(await store.list())].reverse()) {
        const reason =
          row.state === 'adopted' && row.change.kind === 'files'
            ? findRegression(toWatched(row), outcomes, [])
            : undefined;
        if (reason !== undefined) undone.push(await rollBack(row.id, { reason, by: 'guard' }));
      }
      return undone;
    },
    sweep: (policy = {}) => sweepCopies({ dir, sandbox, store, now: clock.now(), event, isRunning }, policy),
    async recover() {
      const moved: ExperimentRow[] = [];
      for (const row of await store.list()) {
        if (isRunning(row.id)) continue;
        if (row.state === 'copying' || row.state === 'running') {
          owners.release(row.id);
          await event(row.id, 'abandoned', path.join(dir, 'copies', row.id));
          moved.push(await move(row, { state: 'failed', error: 'the process ended in the middle' }));
        } else moved.push(...(await settle(row)));
      }
      return moved;
    },
    close: () => store.close(),
  };

  /** The log of changes, or the plan of file edits, may be ahead of the row when a crash came between them. */
  async function settle(row: ExperimentRow): Promise<ExperimentRow[]> {
    const reached = row.change.kind === 'files' ? recoverAdoption(planFile(row.id)) : await changeState(row);
    if (reached === undefined) return [];
    if (reached === 'adopted' && row.state === 'undoing') {
      await undoAdopted(row, 'a roll-back that a crash cut short', 'recover');
      return [await move(row, { state: 'rolled-back' })];
    }
    const state = reached === 'adopted' ? 'adopted' : 'rolled-back';
    return state === row.state ? [] : [await move(row, { state })];
  }

  async function changeState(row: ExperimentRow): Promise<'adopted' | 'undone' | undefined> {
    const changes = (await options.changes?.list()) ?? [];
    const state = changes.findLast((one) => one.experimentId === row.id)?.state;
    return state === 'adopted' || state === 'undone' ? state : undefined;
  }
}

/** File edits have no row in the log of changes; the guard needs these members only. */
function toWatched(row: ExperimentRow): WatchedChange {
  const guards = row.report?.comparisons.map(({ kpiId }) => ({ kpiId })) ?? [];
  return { id: row.id, guards, adoptedAt: row.updatedAt };
}

function badState(row: ExperimentRow, why: string): GenieError {
  return new GenieError('GENIE_EXPERIMENT_STATE', `Experiment "${row.title}" is ${row.state}: ${why}.`);
}
