import type { Clock, EventSink, Ids } from '@genie/core/ports';
import type { AuditEntry, AuditLog } from './audit/audit-record.ts';
import { maskPath } from './audit/mask.ts';
import { EgressError } from './egress-error.ts';
import type { Admission, Departure, Exit } from './gate.ts';
import type { DenialReason } from './policy/decision.ts';

/** Where decisions are told. */
export interface RecordDeps {
  readonly audit: AuditLog | undefined;
  readonly events: EventSink | undefined;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly genieId: string;
}

/** Writes an admission down; it may be used when that is done. */
export function recordAllowed(deps: RecordDeps, found: Omit<Admission, 'exitId'>): Admission | Promise<Admission> {
  if (deps.audit === undefined && deps.events === undefined) return { ...found, exitId: '' };
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
export function recordBlocked(deps: RecordDeps, exit: Exit, error: unknown): unknown {
  const reason = error instanceof EgressError ? error.reason : 'approval-pending';
  const { hostText, port } = exit.destination;
  const host = hostText.slice(0, 260) || '-';
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

/** Writes down what became of it. */
export function recordEnd(deps: RecordDeps, admission: Admission, departure: Departure): void {
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

function describeExit(deps: RecordDeps, exit: Exit): Omit<AuditEntry, 'event' | 'exitId'> {
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

/** The error for a refusal, with where it was about. */
export function refusal(exit: Exit, reason: DenialReason, message: string): EgressError {
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
