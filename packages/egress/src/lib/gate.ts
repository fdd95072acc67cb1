import type { Socket } from 'node:net';
import type { Clock, EgressContext, EventSink, Ids } from '@genie/core/ports';
import type { Errand } from './approvals/approval-request.ts';
import type { Door, Passage } from './approvals/door.ts';
import type { GrantBook } from './approvals/grant-book.ts';
import { createGrantWatch } from './approvals/grant-watch.ts';
import type { AuditEntry, AuditLog, ExitForm } from './audit/audit-record.ts';
import { maskPath } from './audit/mask.ts';
import { dialVetted } from './dial/dial.ts';
import { type Lookup, resolveAll } from './dial/lookup.ts';
import { type PrivateAddresses, vetAddresses } from './dial/vet.ts';
import { EgressError } from './egress-error.ts';
import type { CompiledEntry } from './policy/allow-entry.ts';
import type { Decision, DenialReason, Destination } from './policy/decision.ts';
import type { HostName } from './policy/host-name.ts';
import type { Policy } from './policy/policy.ts';
import type { RateLimiter } from './policy/rate-limiter.ts';
import type { Rules } from './policy/rules.ts';

/** Somebody at the door. */
export interface Exit {
  readonly destination: Destination;
  readonly form: ExitForm;
  readonly path?: string;
  readonly bodyBytes?: number;
  readonly bodySha256?: string;
  readonly context: EgressContext;
  /** Asked for only when the user has to be asked, since most exits are decided at once. */
  readonly signal?: () => AbortSignal;
}

/** A permission to leave now. It is for one request, or for one tunnel. */
export interface Admission {
  readonly exitId: string;
  readonly exit: Exit;
  readonly host: HostName;
  readonly entry?: CompiledEntry;
  readonly passage?: Passage;
  readonly rule: string;
  /** On the monotonic clock. */
  readonly startedAt: number;
}

/** What became of it. */
export interface Departure {
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly status?: number;
  readonly reason?: DenialReason;
}

/**
 * The one pipeline that everything passes: grammar, allowlist, ports, approval (`admit`), then DNS once, every answer vetted,
 * and the vetted literal dialled (`open`). `admit` answers at once unless the user has to be asked.
 */
export interface Gate {
  readonly rules: Rules;
  /** Throws or rejects with `EgressError` or `ApprovalRequiredError`; then nothing was sent, not even a DNS query. */
  admit(exit: Exit): Admission | Promise<Admission>;
  /** A connection to an admitted destination. Rejects with `EgressError`. */
  open(target: { readonly host: HostName; readonly port: number }, signal?: AbortSignal): Promise<Socket>;
  /** Whether anybody wants to know how a request ends. */
  isWatched(admission: Admission): boolean;
  /** Told when a request or tunnel is over. */
  close(admission: Admission, departure: Departure): void;
  /** Writes a refusal that was decided outside the policy (wire form, authentication, contents of a tunnel). */
  refuse(exit: Exit, error: EgressError): void;
  /** Calls `cut` when the permission of something long-lived ends; the returned function stops watching. */
  watch(admission: Admission, cut: () => void): () => void;
  /** Looks now whether grants were revoked. */
  checkGrants(): Promise<void>;
  /** Admits nothing from now on. */
  shut(): void;
}

export interface GateDeps {
  readonly policy: Policy;
  readonly door: Door;
  readonly book: GrantBook;
  readonly rates: RateLimiter;
  readonly lookup: Lookup;
  readonly allowPrivate: PrivateAddresses;
  readonly audit: AuditLog | undefined;
  readonly events: EventSink | undefined;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly genieId: string;
  readonly rules: Rules;
  readonly lookupTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

export function createGate(deps: GateDeps): Gate {
  const watch = createGrantWatch(deps.book, deps.clock, 500);
  let isShut = false;
  return {
    rules: deps.rules,
    admit(exit) {
      if (isShut) throw refusal(exit, 'closed', 'the egress filter is closed');
      const startedAt = deps.clock.elapsed();
      const decision = deps.policy.decide(exit.destination, deps.clock.now());
      if (decision.verdict === 'deny') throw blocked(deps, exit, refusal(exit, decision.reason, decision.message));
      if (decision.verdict === 'ask') return askUser(deps, exit, decision, startedAt);
      if (deps.rules('rate') && !deps.rates.take(decision.entry)) {
        const message = `more than ${decision.entry.requestsPerMinute} requests a minute to ${decision.entry.rule}`;
        throw blocked(deps, exit, refusal(exit, 'rate', message));
      }
      if (
        deps.rules('request-bytes') &&
        (exit.bodyBytes ?? 0) > (decision.entry.maxRequestBytes ?? Number.POSITIVE_INFINITY)
      ) {
        const message = `a body of ${exit.bodyBytes} bytes is over the ${decision.entry.maxRequestBytes} of ${decision.entry.rule}`;
        throw blocked(deps, exit, refusal(exit, 'request-bytes', message));
      }
      return allowed(deps, { exit, host: decision.host, entry: decision.entry, rule: decision.entry.rule, startedAt });
    },
    async open({ host, port }, signal) {
      const addresses = await resolveHost(deps, host, port, signal);
      return dialVetted({
        host: host.name,
        port,
        addresses,
        timeoutMs: deps.connectTimeoutMs,
        ...(signal ? { signal } : {}),
      });
    },
    isWatched: ({ entry }) => deps.audit !== undefined || entry?.maxResponseBytes !== undefined,
    close: (admission, departure) => recordEnd(deps, admission, departure),
    refuse: (exit, error) => {
      blocked(deps, exit, error);
    },
    watch: ({ passage }, cut) => (passage?.by === 'grant' ? watch.watch(passage.grantId, cut) : () => undefined),
    checkGrants: () => watch.check(),
    shut() {
      isShut = true;
      watch.stop();
    },
  };
}

async function askUser(
  deps: GateDeps,
  exit: Exit,
  decision: Extract<Decision, { verdict: 'ask' }>,
  startedAt: number,
): Promise<Admission> {
  const { destination, path, bodyBytes, bodySha256, context } = exit;
  const errand: Errand = {
    destination,
    host: decision.host,
    context,
    genieId: context.genieId ?? deps.genieId,
    ...(path === undefined ? {} : { path }),
    ...(bodyBytes === undefined ? {} : { bodyBytes }),
    ...(bodySha256 === undefined ? {} : { bodySha256 }),
  };
  let passage: Passage;
  try {
    passage = await deps.door(errand, decision.message, exit.signal?.());
  } catch (error) {
    throw blocked(deps, exit, error);
  }
  const rule = passage.by === 'grant' ? `grant ${passage.grantId}` : `approval ${passage.approvalId}`;
  return allowed(deps, { exit, host: decision.host, passage, rule, startedAt });
}

async function resolveHost(
  deps: GateDeps,
  host: HostName,
  port: number,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  // An address or `localhost` passed the allowlist with its exact port, which is the operator's permission.
  if (host.kind === 'address') return [host.name];
  if (host.name === 'localhost') return ['127.0.0.1', '::1'];
  const addresses = await resolveAll(host.name, {
    lookup: deps.lookup,
    timeoutMs: deps.lookupTimeoutMs,
    ...(signal ? { signal } : {}),
  });
  return vetAddresses({ host: host.name, port, addresses, allowPrivate: deps.allowPrivate, rules: deps.rules });
}

function allowed(deps: GateDeps, found: Omit<Admission, 'exitId'>): Admission | Promise<Admission> {
  const admission: Admission = { ...found, exitId: deps.audit === undefined ? '' : deps.ids.next('exit') };
  const { host, exit, rule } = admission;
  let written: undefined | Promise<void>;
  try {
    written = deps.audit?.append({ event: 'allowed', exitId: admission.exitId, rule, ...describeExit(deps, exit) });
  } catch (cause) {
    throw auditFailed(exit, cause);
  }
  deps.events?.({
    type: 'egress.allowed',
    at: deps.clock.now(),
    source: 'egress',
    host: host.name,
    port: exit.destination.port,
    rule,
  });
  if (written === undefined) return admission;
  return written.then(
    () => admission,
    (cause: unknown) => {
      throw auditFailed(exit, cause);
    },
  );
}

/** Writes a refusal down and gives the error back. A refusal that cannot be written is refused all the same. */
function blocked(deps: GateDeps, exit: Exit, error: unknown): unknown {
  const reason = error instanceof EgressError ? error.reason : 'approval-pending';
  const { hostText: host, port } = exit.destination;
  deps.events?.({ type: 'egress.blocked', at: deps.clock.now(), source: 'egress', host, port, reason });
  try {
    const written = deps.audit?.append({
      event: 'blocked',
      exitId: deps.ids.next('exit'),
      reason,
      ...describeExit(deps, exit),
    });
    // It is refused in any case; the next decision reports the failure.
    written?.catch(() => undefined);
  } catch (cause) {
    return auditFailed(exit, cause);
  }
  return error;
}

function recordEnd(deps: GateDeps, admission: Admission, departure: Departure): void {
  if (deps.audit === undefined) return;
  const { exitId, exit, startedAt } = admission;
  const { hostText, port } = exit.destination;
  const tookMs = Math.round(deps.clock.elapsed() - startedAt);
  try {
    const entry = {
      event: 'closed',
      at: deps.clock.now(),
      exitId,
      host: hostText,
      port,
      tookMs,
      ...departure,
    } as const;
    deps.audit.append(entry)?.catch(() => undefined);
  } catch {
    // The log reports the same failure at the next decision, which is then refused.
  }
}

function describeExit(deps: GateDeps, exit: Exit): Omit<AuditEntry, 'event' | 'exitId'> {
  const { destination, context, path } = exit;
  return {
    at: deps.clock.now(),
    form: exit.form,
    method: destination.method,
    host: destination.hostText.slice(0, 260),
    port: destination.port,
    genieId: context.genieId ?? deps.genieId,
    ...(path === undefined ? {} : { path: maskPath(path) }),
    ...(context.runId === undefined ? {} : { runId: context.runId }),
    ...(context.callId === undefined ? {} : { callId: context.callId }),
    ...(context.tool === undefined ? {} : { tool: context.tool }),
  };
}

function refusal(exit: Exit, reason: DenialReason, message: string): EgressError {
  const { hostText: host, port } = exit.destination;
  return new EgressError(reason, `${exit.destination.method} ${host}:${port} is blocked: ${message}`, { host, port });
}

function auditFailed(exit: Exit, cause: unknown): EgressError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const { hostText: host, port } = exit.destination;
  return new EgressError('audit', `nothing leaves: the audit log cannot be written (${why}). Make room on its disk`, {
    cause,
    host,
    port,
  });
}
