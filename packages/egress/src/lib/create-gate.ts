import type { Errand } from './approvals/approval-request.ts';
import type { Door, Passage } from './approvals/door.ts';
import type { GrantBook } from './approvals/grant-book.ts';
import { createGrantWatch } from './approvals/grant-watch.ts';
import { createOpener, type OpenDeps } from './dial/open-connection.ts';
import type { Admission, Exit, Gate } from './gate.ts';
import { type RecordDeps, recordAllowed, recordBlocked, recordEnd, refusal } from './gate-records.ts';
import { type Decision, methodClassOf } from './policy/decision.ts';
import type { HostName } from './policy/host-name.ts';
import type { Policy } from './policy/policy.ts';
import type { RateLimiter } from './policy/rate-limiter.ts';

export interface GateDeps extends RecordDeps, OpenDeps {
  readonly policy: Policy;
  readonly door: Door;
  readonly book: GrantBook;
  readonly rates: RateLimiter;
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
      if (decision.verdict === 'deny')
        throw recordBlocked(deps, exit, refusal(exit, decision.reason, decision.message));
      if (decision.verdict === 'ask') return askUser({ ...deps, isShut: () => isShut }, exit, decision, startedAt);
      if (deps.rules('rate') && !deps.rates.take(decision.entry)) {
        const message = `more than ${decision.entry.requestsPerMinute} requests a minute to ${decision.entry.rule}`;
        throw recordBlocked(deps, exit, refusal(exit, 'rate', message));
      }
      if (
        deps.rules('request-bytes') &&
        (exit.bodyBytes ?? 0) > (decision.entry.maxRequestBytes ?? Number.POSITIVE_INFINITY)
      ) {
        const message = `a body of ${exit.bodyBytes} bytes is over the ${decision.entry.maxRequestBytes} of ${decision.entry.rule}`;
        throw recordBlocked(deps, exit, refusal(exit, 'request-bytes', message));
      }
      return recordAllowed(deps, {
        exit,
        host: decision.host,
        entry: decision.entry,
        rule: decision.entry.rule,
        startedAt,
      });
    },
    open: createOpener(deps),
    isWatched: ({ entry, passage }) =>
      deps.audit !== undefined || passage?.by === 'grant' || entry?.maxResponseBytes !== undefined,
    close: (admission, departure) => recordEnd(deps, admission, departure),
    refuse: (exit, error) => {
      recordBlocked(deps, exit, error);
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
  deps: GateDeps & { readonly isShut: () => boolean },
  exit: Exit,
  decision: Extract<Decision, { verdict: 'ask' }>,
  startedAt: number,
): Promise<Admission> {
  const { destination, path, bodyBytes, bodySha256, context } = exit;
  const covering = exit.earlier?.find((admission) => covers(admission, exit, decision.host));
  if (covering?.passage !== undefined) {
    return recordAllowed(deps, {
      exit,
      host: decision.host,
      passage: covering.passage,
      rule: covering.rule,
      startedAt,
    });
  }
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
    throw recordBlocked(deps, exit, error);
  }
  if (deps.isShut()) throw refusal(exit, 'closed', 'the egress filter was closed while the user was asked');
  const rule = passage.by === 'grant' ? `grant ${passage.grantId}` : `approval ${passage.approvalId}`;
  return recordAllowed(deps, { exit, host: decision.host, passage, rule, startedAt });
}

function covers({ passage, host, exit }: Admission, next: Exit, nextHost: HostName): boolean {
  const { scheme, port } = exit.destination;
  const isSamePlace =
    host.name === nextHost.name && port === next.destination.port && scheme === next.destination.scheme;
  if (passage === undefined || !isSamePlace) return false;
  return methodClassOf(exit.destination) === 'write' || methodClassOf(next.destination) === 'read';
}
