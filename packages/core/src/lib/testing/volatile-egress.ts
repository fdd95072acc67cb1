import { ApprovalRequiredError } from '../approvals/approval-required.ts';
import type { ApprovalAction, Approvals } from '../approvals/approvals.ts';
import { GenieError } from '../genie-error.ts';
import type { EgressContext, EgressPort } from '../ports/egress.ts';

export interface VolatileEgressOptions {
  /** Hosts that may be reached. Default none. */
  readonly allow?: readonly string[];
  /** Hosts that are not allowed are asked for here; without it they are refused. */
  readonly approvals?: Approvals;
  /** The world behind the door. Nothing ever leaves the process. */
  respond(request: Request): Response | Promise<Response>;
}

/** An egress filter in front of an invented web: default deny, by host. For tests. */
export function createVolatileEgress(options: VolatileEgressOptions): EgressPort {
  const allowed = new Set(options.allow ?? []);
  let isClosed = false;

  async function admit(request: Request, context: EgressContext): Promise<void> {
    const { hostname } = new URL(request.url);
    if (allowed.has(hostname)) return;
    const denied = `Reaching ${hostname} is not allowed${context.tool ? ` for ${context.tool}` : ''}. Add it to "allow".`;
    if (!options.approvals) throw new GenieError('GENIE_EGRESS_DENIED', denied, { details: { host: hostname } });
    const action: ApprovalAction = {
      kind: 'egress',
      genieId: context.genieId ?? 'genie',
      subject: `egress:${hostname}`,
      payload: { method: request.method, url: request.url },
    };
    const title = `Reach ${hostname} (${request.method})`;
    const row = await options.approvals.request({ action, title, ...(context.runId ? { runId: context.runId } : {}) });
    if (row.status === 'pending') throw new ApprovalRequiredError(title, [row.id]);
    if (row.status !== 'allowed' || !(await options.approvals.consume(row.id, action))) {
      throw new GenieError('GENIE_EGRESS_DENIED', denied, { details: { host: hostname } });
    }
  }

  return {
    grade: 'in-process',
    async fetch(input, init, context = {}) {
      if (isClosed) throw new GenieError('GENIE_EGRESS_CLOSED', 'This egress is closed.');
      // Not the request's own signal: that one goes quiet once the request is collected.
      const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
      signal?.throwIfAborted();
      const request = new Request(input, init);
      await admit(request, context);
      return untilAborted(Promise.resolve(options.respond(request)), signal);
    },
    async close() {
      isClosed = true;
    },
  };
}

function untilAborted(work: Promise<Response>, signal: AbortSignal | undefined): Promise<Response> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
