import { join } from 'node:path';
import type { Approval, Approvals, EventSink } from '@genie/core/ports';
import { createEgress, type Egress, type EgressOptions, type FileAudit, type Lookup, openAudit } from '@genie/egress';

export interface OpenEgressOptions {
  readonly home: string;
  readonly genieId: string;
  readonly allow: readonly string[];
  readonly allowPrivate: readonly string[];
  readonly approvals: Approvals;
  readonly events: EventSink;
  readonly lookup?: Lookup | undefined;
}

export interface OpenEgress {
  readonly egress: Egress;
  /** The same rules for the wake gate: what would have to be asked is refused. */
  readonly quiet: Egress;
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
  };
  const egress = createEgress({ ...shared, approvals });
  const quiet = createEgress({ ...shared, approvals: refuseQuestions(approvals) });
  return {
    egress,
    quiet,
    async close() {
      await Promise.all([egress.close(), quiet.close()]);
      await audit?.close();
    },
  };
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
