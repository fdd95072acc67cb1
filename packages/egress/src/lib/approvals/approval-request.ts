import { createHash } from 'node:crypto';
import type { ApprovalAction, ApprovalRequest, EgressContext } from '@genie/core/ports';
import { maskPath } from '../audit/mask.ts';
import { type Destination, methodClassOf } from '../policy/decision.ts';
import type { HostName } from '../policy/host-name.ts';
import { subjectOf } from './grant-book.ts';

/** What somebody wants to do once, as far as it can be seen. */
export interface Errand {
  readonly destination: Destination;
  readonly host: HostName;
  /** Path and query; undefined in a tunnel. */
  readonly path?: string;
  /** Undefined when the size is not known beforehand. */
  readonly bodyBytes?: number;
  /** SHA-256 of the body, hex, when it is known beforehand. */
  readonly bodySha256?: string;
  readonly context: EgressContext;
  readonly genieId: string;
}

/**
 * The approval for an errand. The action holds the path without its query; the exact target is bound by its SHA-256, so that
 * approving one request does not approve another one, and no query string leaves in a push message.
 */
export function toApprovalRequest(errand: Errand, expiresInMs: number): ApprovalRequest {
  const { context } = errand;
  return {
    action: toAction(errand),
    title: describeErrand(errand),
    expiresInMs,
    ...(context.claim === undefined ? {} : { claim: context.claim }),
    ...(context.runId === undefined ? {} : { runId: context.runId }),
    ...(context.callId === undefined ? {} : { callId: context.callId }),
  };
}

function toAction(errand: Errand): ApprovalAction {
  const { destination, host, path, context } = errand;
  return {
    kind: 'egress',
    genieId: errand.genieId,
    subject: subjectOf({ host: host.name, port: destination.port, methodClass: methodClassOf(destination) }),
    payload: {
      scheme: destination.scheme,
      host: host.name,
      port: destination.port,
      method: destination.method,
      ...(host.unicode === undefined ? {} : { shownAs: host.unicode }),
      ...(host.warning === undefined ? {} : { warning: host.warning }),
      ...(path === undefined ? {} : { path: maskPath(path).split('?')[0], targetSha256: sha256(path) }),
      ...(errand.bodyBytes === undefined ? {} : { bodyBytes: errand.bodyBytes }),
      ...(errand.bodySha256 === undefined ? {} : { bodySha256: errand.bodySha256 }),
      ...(context.tool === undefined ? {} : { tool: context.tool }),
    },
  };
}

function describeErrand({ destination, host, bodyBytes, context }: Errand): string {
  const by = context.tool === undefined ? '' : `, asked by ${context.tool}`;
  const warning = host.warning === undefined ? '' : `; careful: ${host.warning}`;
  if (destination.scheme === 'tunnel') {
    return `Open an encrypted connection to ${host.name}:${destination.port} (what goes through it cannot be seen${by})${warning}`;
  }
  const size = bodyBytes === undefined ? '' : `, ${bodyBytes} bytes`;
  const standard = destination.port === (destination.scheme === 'https' ? 443 : 80);
  const where = `${destination.scheme}://${host.name}${standard ? '' : `:${destination.port}`}`;
  const verb = methodClassOf(destination) === 'read' ? 'Read' : 'Send to';
  return `${verb} ${where} (${destination.method}${size}${by})${warning}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
