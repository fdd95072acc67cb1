import { ApprovalRequiredError } from '@genie/core/errors';
import {
  type Approval,
  type ApprovalAction,
  type Approvals,
  type Clock,
  canonicalJson,
  type EventSink,
  type Grant,
} from '@genie/core/ports';
import { EgressError } from '../egress-error.ts';
import { methodClassOf } from '../policy/decision.ts';
import { type Errand, toApprovalRequest } from './approval-request.ts';
import type { GrantBook } from './grant-book.ts';

export interface DoorOptions {
  /** Without it nobody can be asked, and the answer is no. */
  readonly approvals?: Approvals;
  readonly book: GrantBook;
  /** How long an errand waits for the user. 0 rejects at once with `GENIE_APPROVAL_REQUIRED`. */
  readonly holdMs: number;
  readonly maxPending: number;
  readonly expiresInMs: number;
  /** Told about what is held, and what became of it. */
  readonly events?: EventSink | undefined;
  readonly clock: Clock;
}

export type Passage =
  | { readonly by: 'grant'; readonly grantId: string }
  | { readonly by: 'once'; readonly approvalId: string };

/** Lets an errand through, or rejects: `EgressError` (no) or `ApprovalRequiredError` (not decided yet; nothing was sent). */
export type Door = (errand: Errand, why: string, signal?: AbortSignal) => Promise<Passage>;

export function createDoor(options: DoorOptions): Door {
  const inTurn = createTurnstile();
  return async (errand, why, signal) => {
    const { destination, host } = errand;
    const passport = {
      genieId: errand.genieId,
      host: host.name,
      port: destination.port,
      methodClass: methodClassOf(destination),
      runId: errand.context.runId,
    };
    const grant = await options.book.find(passport, signal);
    if (grant !== undefined) return passByGrant(grant, errand);
    if (options.approvals === undefined) throw no(errand, 'not-allowed', `${why}, and there is nobody to ask`);
    const request = toApprovalRequest(errand, options.expiresInMs);
    const approvals = options.approvals;
    // One after the other, or many at once would all see room.
    const asked = await inTurn(async () => {
      await refuseWhenCrowded(approvals, request.action, errand, options.maxPending);
      return approvals.request(request, signal ? { signal } : {});
    });
    const row = asked.status === 'pending' ? await hold({ ...options, approvals }, asked, why, signal) : asked;
    if (row.byGrant === true || row.decision?.verdict === 'allow-always') {
      const fresh = await options.book.find(passport, signal);
      if (fresh !== undefined) return passByGrant(fresh, errand);
      throw no(errand, 'approval-expired', 'the grant that allowed it is over');
    }
    return passOnce(approvals, row, request.action, errand);
  };
}

function passByGrant(grant: Grant, errand: Errand): Passage {
  if (grant.effect === 'allow') return { by: 'grant', grantId: grant.id };
  throw no(errand, 'denied-by-user', `the user always denies ${grant.subject}`);
}

async function passOnce(approvals: Approvals, row: Approval, action: ApprovalAction, errand: Errand): Promise<Passage> {
  if (row.status === 'expired') throw no(errand, 'approval-expired', 'the request for approval expired unanswered');
  if (row.status === 'denied') throw no(errand, 'denied-by-user', 'the user denied it');
  // Exactly one errand gets through for each row, also among several processes.
  if (row.status === 'allowed' && (await approvals.consume(row.id, action))) return { by: 'once', approvalId: row.id };
  throw no(errand, 'not-allowed', 'the approval was already used for another request');
}

async function hold(
  { approvals, holdMs, events, clock }: DoorOptions & { readonly approvals: Approvals },
  row: Approval,
  why: string,
  signal?: AbortSignal,
): Promise<Approval> {
  const pending = (): ApprovalRequiredError =>
    new ApprovalRequiredError(`${why}; approval ${row.id} is waiting for the user`, [row.id]);
  if (holdMs <= 0) throw pending();
  const patience = AbortSignal.timeout(holdMs);
  const { id, runId, callId, title } = row;
  const about = { source: 'egress', approvalId: id } as const;
  const ofCall = callId === undefined ? {} : { callId };
  if (runId !== undefined)
    events?.({ type: 'approval.requested', at: clock.now(), ...about, runId, kind: 'egress', title, ...ofCall });
  try {
    const decided = await approvals.wait(id, { signal: signal ? AbortSignal.any([signal, patience]) : patience });
    const by = decided.decision === undefined ? {} : { by: decided.decision.by };
    if (runId !== undefined)
      events?.({ type: 'approval.decided', at: clock.now(), ...about, runId, status: decided.status, ...by });
    return decided;
  } catch (error) {
    if (patience.aborted) throw pending();
    throw error;
  }
}

async function refuseWhenCrowded(
  approvals: Approvals,
  action: ApprovalAction,
  errand: Errand,
  maxPending: number,
): Promise<void> {
  const pending = await approvals.list({ status: 'pending', kind: 'egress' });
  const own = pending.filter((row) => row.action.genieId === action.genieId);
  if (own.length < maxPending) return;
  // The same question again makes no new row.
  const exact = canonicalJson({ ...action });
  if (own.some((row) => row.runId === errand.context.runId && canonicalJson({ ...row.action }) === exact)) return;
  throw no(
    errand,
    'too-many-pending',
    `${own.length} requests already wait for the user; try again when they are decided`,
  );
}

function no(errand: Errand, reason: ConstructorParameters<typeof EgressError>[0], why: string): EgressError {
  const { host, destination } = errand;
  return new EgressError(reason, `${destination.method} ${host.name}:${destination.port} is blocked: ${why}`, {
    host: host.name,
    port: destination.port,
  });
}

function createTurnstile(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}
