import { join } from 'node:path';
import { homeFolders } from '@genie/core/home';
import type { Approval, Approvals, EventSink, GenieEvent } from '@genie/core/ports';
import {
  createEgress,
  createSentinel,
  type Egress,
  type EgressOptions,
  endRunGrants,
  type FileAudit,
  type Lookup,
  openAudit,
  type Sentinel,
} from '@genie/egress';
import type { Environment } from '@genie/inference';
import { type CommandNetwork, createCommandNetwork } from './command-network.ts';
import type { GenieSettings } from './genie-settings.ts';

export interface OpenEgressOptions {
  readonly home: string;
  readonly genieId: string;
  readonly allow: readonly string[];
  readonly allowPrivate: readonly string[];
  readonly approvals: Approvals;
  readonly events: EventSink;
  readonly lookup?: Lookup | undefined;
  /** The hosts of the genie's own models, as allowlist entries; those without a port speak TLS. */
  readonly providers?: readonly string[];
  /** How long a command in the sandbox waits for the user. Default a minute. */
  readonly holdMs?: number | undefined;
  readonly upstreamProxy?: EgressOptions['upstreamProxy'] | undefined;
}

export interface OpenEgress {
  readonly egress: Egress;
  /** The same rules for the wake gate: what would have to be asked is refused. */
  readonly quiet: Egress;
  /** For doors with rules of their own: the same log, events and names. */
  readonly rules: Pick<EgressOptions, 'audit' | 'events' | 'lookup'>;
  /** For the sandbox of commands: their connections wait at the door while the user is asked. */
  readonly commands: CommandNetwork;
  /**
   * Tells `network.changed` from now on. Without targets it asks the genie's own providers; undefined when there are none. A
   * target that is not on the list is not asked for.
   */
  watchNetwork(settings: NonNullable<GenieSettings['network']>): Sentinel | undefined;
  /** Told about every event of the genie. */
  onEvent(event: GenieEvent): void;
  close(): Promise<void>;
}

/** Folder of the audit log in a home. */
export function auditFolder(home: string): string {
  return join(home, 'egress');
}

/** The one door out of a home, with its audit log. Throws `GENIE_EGRESS_OPTIONS` and `GENIE_EGRESS_AUDIT`. */
export function openEgress(options: OpenEgressOptions): OpenEgress {
  const { genieId, allow, allowPrivate, approvals, events, lookup } = options;
  let audit: FileAudit | undefined;
  let sentinel: Sentinel | undefined;
  // Opened by the first decision: a genie that never leaves has no log.
  const lazyAudit = {
    append: (entry: Parameters<FileAudit['append']>[0]) => {
      audit ??= openAudit({ dir: auditFolder(options.home) });
      return audit.append(entry);
    },
  };
  const shared: EgressOptions = {
    allow,
    allowPrivate,
    genieId,
    events,
    audit: lazyAudit,
    ...(lookup ? { lookup } : {}),
    ...(options.upstreamProxy ? { upstreamProxy: options.upstreamProxy } : {}),
  };
  const egress = createEgress({ ...shared, approvals });
  const quiet = createEgress({ ...shared, approvals: refuseQuestions(approvals) });
  const commands = createCommandNetwork({
    genieId,
    workspace: homeFolders(options.home).workspace,
    egress: createEgress({ ...shared, approvals, holdMs: options.holdMs ?? 60_000 }),
  });
  return {
    egress,
    quiet,
    commands,
    watchNetwork({ targets, ...times }) {
      const named =
        targets ??
        (options.providers ?? []).filter((host) => !host.includes(':')).map((host) => ({ url: `https://${host}/` }));
      if (named.length === 0) return undefined;
      sentinel ??= createSentinel({ egress: quiet, targets: named, events, ...times });
      sentinel.start();
      return sentinel;
    },
    onEvent(event) {
      commands.onEvent(event);
      // One that is left behind allows nothing: its run asks for nothing any more, and it expires.
      if (event.type === 'run.ended' && event.status !== 'waiting')
        void endRunGrants(approvals, event.runId).catch(() => undefined);
    },
    rules: { audit: lazyAudit, events, ...(lookup ? { lookup } : {}) },
    async close() {
      sentinel?.close();
      await commands.close();
      await Promise.all([egress.close(), quiet.close()]);
      await audit?.close();
    },
  };
}

/** The proxy of the network as the settings name it, with its password from the environment. */
export function upstreamProxyOf(
  settings: GenieSettings['egress']['upstreamProxy'],
  environment: Environment,
): EgressOptions['upstreamProxy'] | undefined {
  // Set in a container that has no other way out; nobody resolves names in there. The door on the host goes on through the settings' proxy.
  const { GENIE_EGRESS_PROXY: door } = environment;
  if (door !== undefined && door !== '') return { url: door, resolve: 'there', onlyWay: true };
  if (settings === undefined) return undefined;
  const { authVariable, ...proxy } = settings;
  const auth = authVariable === undefined ? undefined : environment[authVariable];
  return auth === undefined ? proxy : { ...proxy, auth };
}

/** The grants count; a question that is not answered by a grant is answered with no, and no row is made of it. */
function refuseQuestions(approvals: Approvals): Approvals {
  return {
    grants: approvals.grants,
    list: () => Promise.resolve([]),
    request: ({ action, title }) =>
      Promise.resolve({
        id: 'unasked',
        status: 'denied',
        action,
        actionHash: '',
        title,
        requestedAt: 0,
        expiresAt: 0,
      } satisfies Approval),
    get: () => Promise.resolve(undefined),
    consume: () => Promise.resolve(false),
    decide: (id, decision, options) => approvals.decide(id, decision, options),
    wait: (id, options) => approvals.wait(id, options),
    // Its owner closes it.
    close: () => Promise.resolve(),
  };
}
