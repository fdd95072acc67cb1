import { canonicalJson } from '../json.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ids } from '../ports/ids.ts';
import { actionHash } from './action-hash.ts';
import { closedError, settledError, unknownError } from './approval-errors.ts';
import { exactDecision, exactGrant, rowOf } from './approval-input.ts';
import type { ApprovalStore, Settlement, StoredApproval } from './approval-store.ts';
import { createWaiters } from './approval-waiters.ts';
import type {
  Approval,
  ApprovalAction,
  ApprovalFilter,
  ApprovalRequest,
  Approvals,
  ApprovalsOptions,
  Decision,
  Grant,
} from './approvals.ts';
import { findGrant, grantOf, isForGrant, isGrantInForce } from './grant.ts';

export interface ApprovalsDeps {
  readonly store: ApprovalStore;
  readonly clock: Clock;
  readonly ids: Ids;
}

const idPattern = /^apr_[\w-]{1,64}$/;

/**
 * The rules of {@link Approvals} over any store. An adapter brings an {@link ApprovalStore} of a few atomic writes and gets
 * hashing, single use, expiry, grants and waiting from here.
 */
export function createApprovals(deps: ApprovalsDeps): Approvals {
  return new StoredApprovals(deps);
}

class StoredApprovals implements Approvals {
  readonly grants: Approvals['grants'];
  readonly #deps: ApprovalsDeps;
  readonly #store: ApprovalStore;
  readonly #clock: Clock;
  /** Rows that this process once saw as expired: a clock that jumps back does not bring them back. */
  readonly #expired = new Set<string>();
  readonly #waiters: ReturnType<typeof createWaiters>;
  /** Approvals whose "always" is known to be stored. */
  readonly #granted = new Set<string>();
  #closed = false;
  #repaired: Promise<void> | undefined;

  constructor(deps: ApprovalsDeps) {
    const { store, clock } = deps;
    this.#deps = deps;
    this.#store = store;
    this.#clock = clock;
    this.#waiters = createWaiters({ store, clock, check: (id) => this.#settledOrExpiry(id) });
    this.grants = {
      list: (options) => this.#run(options, () => store.grants()),
      add: (grant, options) => this.#run(options, () => this.#addGrant(grant)),
      revoke: (id, options) => this.#run(options, () => store.removeGrant(id)),
    };
  }

  request(request: ApprovalRequest, options?: ApprovalsOptions): Promise<Approval> {
    return this.#run(options, async () => {
      const row = rowOf(request, this.#deps);
      const grants = await this.#store.grants();
      const key = canonicalJson([row.actionHash, row.runId ?? null]);
      const stored = await this.#store.claim(key, row, (found) => this.#answers(found, grants));
      await this.#grantAlways(stored);
      return this.#approval(await this.#answerByGrant(stored));
    });
  }

  decide(id: string, decision: Decision, options?: ApprovalsOptions): Promise<Approval> {
    return this.#run(options, async () => {
      const exact = exactDecision(decision);
      const stored = await this.#expire(await this.#known(id));
      if (stored.settlement) throw settledError(id, stored.settlement);
      const settlement: Settlement = { format: 1, kind: 'decided', at: this.#clock.now(), decision: exact };
      if (!(await this.#store.settle(id, settlement))) {
        throw settledError(id, (await this.#known(id)).settlement ?? settlement);
      }
      const settled: StoredApproval = { ...stored, settlement };
      await this.#grantAlways(settled);
      this.#waiters.poke();
      return this.#approval(settled);
    });
  }

  consume(id: string, action: ApprovalAction, options?: ApprovalsOptions): Promise<boolean> {
    return this.#run(options, async () => {
      const hash = actionHash(action);
      const stored = await this.#known(id);
      if (stored.row.actionHash !== hash || !this.#isUsable(stored, await this.#store.grants())) return false;
      return this.#store.use(id, this.#clock.now());
    });
  }

  get(id: string, options?: ApprovalsOptions): Promise<Approval | undefined> {
    return this.#run(options, async () => {
      const stored = await this.#find(id);
      return stored && this.#approval(stored);
    });
  }

  list(filter: ApprovalFilter = {}, options?: ApprovalsOptions): Promise<readonly Approval[]> {
    return this.#run(options, async () => {
      const all = (await this.#store.readAll()).map((stored) => this.#approval(stored));
      return all.filter((approval) => matches(approval, filter)).sort(oldestFirst);
    });
  }

  wait(id: string, options?: ApprovalsOptions): Promise<Approval> {
    return this.#run(options, async () => {
      await this.#known(id);
      if (this.#closed) throw closedError();
      return this.#waiters.wait(id, options?.signal);
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiters.close(closedError());
    await this.#store.close();
  }

  async #run<Result>(options: ApprovalsOptions | undefined, work: () => Promise<Result>): Promise<Result> {
    options?.signal?.throwIfAborted();
    if (this.#closed) throw closedError();
    this.#repaired ??= this.#repair();
    await this.#repaired.catch((error: unknown) => {
      this.#repaired = undefined;
      throw error;
    });
    return work();
  }

  /** Finishes what a crash cut off: an "always" that was decided, but whose grant was not written. */
  async #repair(): Promise<void> {
    const present = new Set((await this.#store.grants()).map((grant) => grant.id));
    for (const stored of await this.#store.readAll()) {
      const grant = grantOf(stored);
      if (grant && !present.has(grant.id)) await this.#store.addGrant(grant);
    }
  }

  /** Whether an earlier row of the same action and run answers a new request. Within a run, a "no" stays a "no". */
  #answers(stored: StoredApproval, grants: readonly Grant[]): boolean {
    const { status, byGrant } = this.#approval(stored);
    if (status === 'pending') return true;
    if (status === 'allowed') return this.#isUsable(stored, grants);
    if (status !== 'denied' || byGrant === true || stored.row.runId === undefined) return false;
    return findGrant(grants, stored.row.action, this.#clock.now())?.effect !== 'allow';
  }

  /** Allowed, and not overruled since: by a prohibition, or by the end of the grant that allowed it. */
  #isUsable(stored: StoredApproval, grants: readonly Grant[]): boolean {
    if (stored.used || this.#approval(stored).status !== 'allowed') return false;
    const now = this.#clock.now();
    if (findGrant(grants, stored.row.action, now)?.effect === 'deny') return false;
    const grantId = stored.settlement?.kind === 'decided' ? stored.settlement.grantId : undefined;
    return grantId === undefined || grants.some((grant) => grant.id === grantId && isGrantInForce(grant, now));
  }

  async #answerByGrant(stored: StoredApproval): Promise<StoredApproval> {
    if (stored.settlement || this.#isExpired(stored)) return stored;
    const grant = findGrant(await this.#store.grants(), stored.row.action, this.#clock.now());
    if (!grant) return stored;
    const verdict = grant.effect === 'allow' ? 'allow-always' : 'deny-always';
    const settlement: Settlement = {
      format: 1,
      kind: 'decided',
      at: this.#clock.now(),
      decision: { verdict, by: 'grant' },
      grantId: grant.id,
    };
    if (!(await this.#store.settle(stored.row.id, settlement))) return this.#known(stored.row.id);
    return { ...stored, settlement };
  }

  async #addGrant(input: Omit<Grant, 'id' | 'grantedAt'>): Promise<Grant> {
    const grant = exactGrant(input, this.#deps);
    await this.#applyGrant(grant);
    this.#waiters.poke();
    return grant;
  }

  /** Stores the grant and answers what is waiting for it already. */
  async #applyGrant(grant: Grant): Promise<void> {
    await this.#store.addGrant(grant);
    for (const stored of await this.#store.readAll()) {
      if (!stored.settlement && isForGrant(grant, stored.row.action)) await this.#answerByGrant(stored);
    }
  }

  /**
   * Stores what an "always" grants. Whoever sees the decision does it, the decider and a process that waits alike: nobody goes
   * on with an answer whose grant is still on its way.
   */
  async #grantAlways(stored: StoredApproval): Promise<void> {
    const grant = grantOf(stored);
    if (!grant || this.#granted.has(grant.id)) return;
    await this.#applyGrant(grant);
    this.#granted.add(grant.id);
  }

  async #find(id: string): Promise<StoredApproval | undefined> {
    return typeof id === 'string' && idPattern.test(id) ? this.#store.read(id) : undefined;
  }

  async #known(id: string): Promise<StoredApproval> {
    const stored = await this.#find(id);
    if (!stored) throw unknownError(id);
    return stored;
  }

  /** Makes an expiry that is due final, so that no other process can decide the row any more. */
  async #expire(stored: StoredApproval): Promise<StoredApproval> {
    if (stored.settlement || !this.#isExpired(stored)) return stored;
    const settlement: Settlement = { format: 1, kind: 'expired', at: this.#clock.now() };
    return (await this.#store.settle(stored.row.id, settlement))
      ? { ...stored, settlement }
      : this.#known(stored.row.id);
  }

  async #settledOrExpiry(id: string): Promise<Approval | { readonly expiresAt: number }> {
    const stored = await this.#expire(await this.#known(id));
    await this.#grantAlways(stored);
    return stored.settlement ? this.#approval(stored) : { expiresAt: stored.row.expiresAt };
  }

  #isExpired(stored: StoredApproval): boolean {
    if (stored.settlement) return stored.settlement.kind === 'expired';
    if (this.#clock.now() >= stored.row.expiresAt) this.#expired.add(stored.row.id);
    return this.#expired.has(stored.row.id);
  }

  #approval(stored: StoredApproval): Approval {
    const { format: _format, ...row } = stored.row;
    const decided = stored.settlement?.kind === 'decided' ? stored.settlement : undefined;
    if (!decided) return { ...row, status: this.#isExpired(stored) ? 'expired' : 'pending' };
    const isAllowed = decided.decision.verdict === 'allow-once' || decided.decision.verdict === 'allow-always';
    return {
      ...row,
      status: stored.used ? 'used' : isAllowed ? 'allowed' : 'denied',
      decision: { ...decided.decision, at: decided.at },
      ...(decided.grantId === undefined ? {} : { byGrant: true }),
    };
  }
}

function matches(approval: Approval, filter: ApprovalFilter): boolean {
  return (
    (filter.status === undefined || approval.status === filter.status) &&
    (filter.runId === undefined || approval.runId === filter.runId) &&
    (filter.kind === undefined || approval.action.kind === filter.kind)
  );
}

function oldestFirst(left: Approval, right: Approval): number {
  return left.requestedAt - right.requestedAt || (left.id < right.id ? -1 : 1);
}
