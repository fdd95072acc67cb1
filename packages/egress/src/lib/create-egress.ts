import { GenieError } from '@genie/core/errors';
import {
  createIds,
  type EgressContext,
  type EgressGrade,
  type EgressPort,
  type Grant,
  systemClock,
} from '@genie/core/ports';
import type { Dispatcher } from 'undici';
import { createDoor } from './approvals/door.ts';
import { createGrantBook, subjectOf } from './approvals/grant-book.ts';
import { createMemoryGrants } from './approvals/memory-grants.ts';
import { createGate } from './create-gate.ts';
import { type CredentialBook, createCredentialBook } from './credentials/credentials.ts';
import { lookupBySystem } from './dial/lookup.ts';
import { parseUpstreamProxy } from './dial/upstream-proxy.ts';
import { parsePrivateAddresses } from './dial/vet.ts';
import { fetchThrough } from './dispatcher/fetch.ts';
import { GateDispatcher } from './dispatcher/gate-dispatcher.ts';
import { EgressError } from './egress-error.ts';
import type { Gate } from './gate.ts';
import { type EgressOptions, resolveNumbers } from './options.ts';
import { type CompiledEntry, parseAllowEntry } from './policy/allow-entry.ts';
import { compilePolicy } from './policy/policy.ts';
import { createRateLimiter } from './policy/rate-limiter.ts';
import { allRules, type Rules } from './policy/rules.ts';

/** The one door out of a genie. */
export interface Egress extends EgressPort {
  /** For clients that take an undici dispatcher; also for Node's own `fetch` with `{ dispatcher }`. */
  readonly dispatcher: Dispatcher;
  readonly entries: readonly CompiledEntry[];
  /** Allows a destination until it is revoked or expires. Takes effect at once. */
  grant(input: GrantInput): Promise<Grant>;
  /** True when the grant existed. Open tunnels under it are cut. */
  revoke(grantId: string): Promise<boolean>;
  grants(): Promise<readonly Grant[]>;
  /** What a proxy or a namespace adds to the grade; the returned function takes it back. */
  raiseGrade(grade: EgressGrade): () => void;
  readonly gate: Gate;
  /** What the proxy adds to requests to a host. */
  readonly credentials: CredentialBook;
  readonly certificateAuthorities: readonly string[];
}

export interface GrantInput {
  readonly host: string;
  /** Default 443. */
  readonly port?: number;
  /** Default `read`. Tunnels need `write`, which includes reading. */
  readonly methodClass?: 'read' | 'write';
  readonly expiresInMs?: number;
  readonly genieId?: string;
}

/**
 * Creates the filter. Nothing is opened until something is fetched. Throws `GENIE_EGRESS_OPTIONS` for an allowlist entry or
 * option that does not say exactly what it means.
 */
export function createEgress(options: EgressOptions): Egress {
  return composeEgress(options, allRules);
}

/** {@link createEgress} with some checks left out, for the tests of the tests. */
export function composeEgress(options: EgressOptions, rules: Rules): Egress {
  const numbers = resolveNumbers(options);
  const clock = options.clock ?? systemClock;
  const ids = options.ids ?? createIds(clock);
  const grants = options.approvals?.grants ?? createMemoryGrants(clock, ids);
  const book = createGrantBook(grants, clock);
  const policy = compilePolicy({ allow: options.allow, ports: numbers.ports }, rules);
  const { holdMs, maxPending, approvalExpiresInMs: expiresInMs } = numbers;
  const door = createDoor({
    book,
    holdMs,
    maxPending,
    expiresInMs,
    clock,
    events: options.events,
    ...(options.approvals ? { approvals: options.approvals } : {}),
  });
  const gate = createGate({
    ...numbers,
    policy,
    door,
    book,
    rules,
    clock,
    ids,
    rates: createRateLimiter(clock),
    lookup: options.lookup ?? lookupBySystem,
    allowPrivate: parsePrivateAddresses(options.allowPrivate ?? []),
    upstreamProxy: options.upstreamProxy === undefined ? undefined : parseUpstreamProxy(options.upstreamProxy),
    audit: options.audit,
    events: options.events,
  });
  const authorities = options.certificateAuthorities ?? [];
  const credentials = createCredentialBook(options.credentials ?? []);
  const dispatcher = new GateDispatcher({
    gate,
    credentials,
    ...(authorities.length > 0 ? { tls: { ca: [...authorities] } } : {}),
  });
  const grades: EgressGrade[] = [];
  let isClosed = false;

  return {
    gate,
    credentials,
    certificateAuthorities: authorities,
    dispatcher,
    entries: policy.entries,
    get grade() {
      return grades.includes('contained') ? 'contained' : grades.includes('proxy') ? 'proxy' : 'in-process';
    },
    fetch(input, init, context: EgressContext = {}) {
      if (isClosed) return Promise.reject(new EgressError('closed', 'the egress filter is closed'));
      return fetchThrough(dispatcher, input, init, context);
    },
    grant(input) {
      const methodClass = input.methodClass ?? 'read';
      const { name, kind, wildcard } = parseAllowEntry({ host: input.host, ports: [input.port ?? 443] }, new Set());
      if (kind === 'address' || wildcard || name === 'localhost') return Promise.reject(refuseGrant(input.host));
      const subject = subjectOf({ host: name, port: input.port ?? 443, methodClass });
      const expiry = input.expiresInMs === undefined ? {} : { expiresAt: clock.now() + input.expiresInMs };
      return grants.add({
        genieId: input.genieId ?? numbers.genieId,
        kind: 'egress',
        subject,
        effect: 'allow',
        ...expiry,
      });
    },
    async revoke(grantId) {
      const existed = await grants.revoke(grantId);
      await gate.checkGrants();
      return existed;
    },
    grants: async () => (await grants.list()).filter((grant) => grant.kind === 'egress'),
    raiseGrade(grade) {
      grades.push(grade);
      return () => {
        const index = grades.indexOf(grade);
        if (index !== -1) grades.splice(index, 1);
      };
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      gate.shut();
      await dispatcher.destroy();
      await options.audit?.close?.();
    },
  };
}

function refuseGrant(host: string): GenieError {
  return new GenieError(
    'GENIE_EGRESS_OPTIONS',
    `grant: "${host}" is refused: a grant is for one host; the operator opens addresses and wildcards in allow`,
  );
}
