import { GenieError } from '@genie/core/errors';
import {
  type Approvals,
  type Clock,
  canonicalJson,
  type Ids,
  type JsonObject,
  type NotifierPort,
} from '@genie/core/ports';
import { type OutcomeRow, toOutcomeRow } from '../evaluation/outcome-row.ts';
import { adjustmentAction } from '../evaluation/request-approvals.ts';
import type { MetricsStore } from '../store/metrics-store.ts';
import { describeAdjustment } from './adjustment.ts';
import { type AdoptAllowedOptions, type AdoptedProposals, type AdoptRequest, adoptAllowed } from './adopt-allowed.ts';
import { type Change, type ChangeRow, type Guard, toChanges, toRecord } from './change.ts';
import { findRegression } from './regression.ts';
import { applyAdjustment, revertAdjustment, type SettingsTarget } from './settings.ts';

export interface ChangesOptions {
  readonly store: MetricsStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly ids: Ids;
  readonly target: SettingsTarget;
  readonly approvals: Pick<Approvals, 'get' | 'consume'> & Partial<Pick<Approvals, 'list'>>;
  readonly genieId: string;
  /** Told when a change was undone. */
  readonly notifier?: Pick<NotifierPort, 'notify'>;
}

/**
 * Adopted changes. Each step is written to the log before and after the settings are replaced, so a crash leaves the old settings or the
 * new ones, and `recover` finishes what was decided. Errors by code: `GENIE_ADJUSTMENT_NOT_ALLOWED` (no allowed approval of exactly this
 * change), `GENIE_CHANGE_UNKNOWN`, `GENIE_CHANGE_STATE` (e.g. undone twice).
 */
export interface Changes {
  /** Consumes the approval and replaces the settings; the next run uses them. */
  adopt(request: AdoptRequest): Promise<Change>;
  /**
   * Adopts every proposal that the user allowed since, oldest first. Called before a run, so that the run uses them. What cannot be adopted
   * is used up and told, so that it does not come back with every run.
   */
  adoptAllowed(options?: AdoptAllowedOptions): Promise<AdoptedProposals>;
  /** Takes a change back, at once. What the user set since stays. */
  undo(id: string, options: { readonly reason: string; readonly by: string }): Promise<Change>;
  /** Oldest first. */
  list(): Promise<readonly Change[]>;
  /** Undoes adopted changes whose guard KPIs got worse since. Called after every measured run. Returns what was undone. */
  check(): Promise<readonly Change[]>;
  /** Finishes steps that a crash cut short. Call it when a home is opened, before the next run. */
  recover(): Promise<readonly Change[]>;
}

export function createChanges(options: ChangesOptions): Changes {
  const { store, clock } = options;
  // One step at a time: each reads the settings, changes and writes them.
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = tail.then(work);
    tail = result.catch(() => undefined);
    return result;
  };
  const write = async (row: Omit<ChangeRow, 'at' | 'type'>): Promise<void> => {
    await store.put('change', toRecord({ type: 'adjustment', ...row, at: clock.now() }));
  };
  const list = async (): Promise<Change[]> => toChanges(await store.records('change', { limit: 100_000 }));
  const get = async (id: string): Promise<Change> => {
    const found = (await list()).find((change) => change.id === id);
    if (found !== undefined) return found;
    throw new GenieError('GENIE_CHANGE_UNKNOWN', `There is no change "${id}". List them with changes.list().`);
  };

  const finishAdopting = async (change: Change): Promise<Change> => {
    const action = adjustmentAction({ id: change.proposalId, adjustment: change.adjustment }, change.genieId);
    const consumed = await options.approvals.consume(change.approvalId, action);
    // A crash after `consume`: the row is used, and only this change can have used it.
    const taken = (await list()).some(
      (other) => other.id !== change.id && other.approvalId === change.approvalId && wasAdopted(other),
    );
    const used = consumed || (!taken && (await wasUsedBy(change, options.approvals)));
    if (!used) {
      await write({
        changeId: change.id,
        state: 'aborted',
        reason: 'the approval was not allowed, expired, or used already',
      });
      throw notAllowed(change.approvalId, change.title);
    }
    const current = await options.target.read();
    if (canonicalJson(current) !== canonicalJson(change.after)) {
      await options.target.write(applyAdjustment(current, change.adjustment));
    }
    await write({ changeId: change.id, state: 'adopted' });
    return get(change.id);
  };

  const finishUndoing = async (change: Change, kept?: readonly string[]): Promise<Change> => {
    const current = await options.target.read();
    const reverted = revertAdjustment(current, change);
    if (canonicalJson(current) !== canonicalJson(reverted.settings)) await options.target.write(reverted.settings);
    await write({ changeId: change.id, state: 'undone', kept: [...(kept ?? reverted.kept)] });
    return get(change.id);
  };

  const undo = async (id: string, reason: string, by: string): Promise<Change> => {
    const change = await get(id);
    if (change.state !== 'adopted') {
      throw new GenieError(
        'GENIE_CHANGE_STATE',
        `Change "${change.title}" is ${change.state}; only an adopted change can be undone.`,
      );
    }
    await write({ changeId: id, state: 'undoing', reason, by });
    return finishUndoing(change);
  };

  const adopt = async (request: AdoptRequest): Promise<Change> => {
    const { proposal, approvalId, experimentId } = request;
    const title = describeAdjustment(proposal.adjustment);
    const action = adjustmentAction(proposal, options.genieId);
    const approval = await options.approvals.get(approvalId);
    const bound = approval !== undefined && canonicalJson(approval.action) === canonicalJson(action);
    if (!bound || approval.status !== 'allowed') throw notAllowed(approvalId, title, approval?.status);
    const before = await options.target.read();
    const after = applyAdjustment(before, proposal.adjustment);
    options.target.check?.(after);
    const changeId = options.ids.next('change');
    await write({
      changeId,
      state: 'adopting',
      title,
      adjustment: proposal.adjustment,
      approvalId,
      genieId: options.genieId,
      proposalId: proposal.id,
      ...(experimentId === undefined ? {} : { experimentId }),
      guards: [...(request.guards ?? (await defaultGuards(store)))],
      before: asJson(before),
      after: asJson(after),
    });
    return finishAdopting(await get(changeId));
  };

  const check = async (): Promise<Change[]> => {
    const undone: Change[] = [];
    for (;;) {
      const all = await list();
      if (!all.some((change) => change.state === 'adopted')) return undone;
      const outcomes = (await store.records('outcome', { limit: 1000 })).map(toOutcomeRow);
      const found = findRegressed(all, outcomes);
      if (found === undefined) return undone;
      const change = await undo(found.change.id, found.reason, 'guard');
      undone.push(change);
      await tell(options, change);
    }
  };

  return {
    adopt: (request) => inTurn(() => adopt(request)),
    adoptAllowed: (asked = {}) => inTurn(() => adoptAllowed(options, adopt, asked)),
    undo: (id, { reason, by }) => inTurn(() => undo(id, reason, by)),
    list,
    check: () => inTurn(check),
    recover: () =>
      inTurn(async () => {
        const finished: Change[] = [];
        for (const change of await list()) {
          if (change.state === 'adopting')
            finished.push(await finishAdopting(change).catch(rethrowUnlessRefused(change)));
          else if (change.state === 'undoing') finished.push(await finishUndoing(change));
        }
        return finished;
      }),
  };
}

/** The newest change with a guard that got worse: what came last is the likeliest cause. */
function findRegressed(
  all: readonly Change[],
  outcomes: readonly OutcomeRow[],
): { change: Change; reason: string } | undefined {
  for (const change of [...all].reverse()) {
    if (change.state !== 'adopted') continue;
    const reason = findRegression(change, outcomes, all);
    if (reason !== undefined) return { change, reason };
  }
  return undefined;
}

function wasAdopted({ state }: Change): boolean {
  return state === 'adopted' || state === 'undoing' || state === 'undone';
}

async function wasUsedBy(change: Change, approvals: Pick<Approvals, 'get'>): Promise<boolean> {
  const approval = await approvals.get(change.approvalId);
  const action = adjustmentAction({ id: change.proposalId, adjustment: change.adjustment }, change.genieId);
  return approval?.status === 'used' && canonicalJson(approval.action) === canonicalJson(action);
}

async function defaultGuards(store: MetricsStore): Promise<Guard[]> {
  const outcomes = (await store.records('outcome', { limit: 20 })).map(toOutcomeRow);
  const ids = outcomes.flatMap((one) =>
    one.readings.flatMap((reading) => (reading.value === undefined ? [] : [reading.kpiId])),
  );
  return [...new Set(ids)].map((kpiId) => ({ kpiId }));
}

/** Telling may fail; the undo stands, and the dashboard shows it. */
async function tell({ notifier, genieId }: ChangesOptions, change: Change): Promise<void> {
  const notification = {
    id: `${change.id}-undone`,
    kind: 'status' as const,
    genieId,
    title: `Undone: ${change.title}`,
    body: change.reason ?? '',
  };
  await notifier?.notify(notification).catch(() => undefined);
}

function notAllowed(approvalId: string, title: string, status?: string): GenieError {
  return new GenieError(
    'GENIE_ADJUSTMENT_NOT_ALLOWED',
    `"${title}" cannot be adopted: approval ${approvalId} is ${status ?? 'not an allowed approval of exactly this change'}. ` +
      'Ask the user with an approval of its own.',
    { details: { approvalId, status } },
  );
}

function rethrowUnlessRefused(change: Change): (error: unknown) => Change {
  return (error) => {
    if (GenieError.isInstance(error) && error.code === 'GENIE_ADJUSTMENT_NOT_ALLOWED')
      return { ...change, state: 'aborted' };
    throw error;
  };
}

function asJson(settings: JsonObject): Record<string, never> {
  return JSON.parse(JSON.stringify(settings)) as Record<string, never>;
}
