import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { maskAuthority } from '../audit/mask.ts';
import { EgressError } from '../egress-error.ts';
import type { Admission, Exit } from '../gate.ts';
import { refuseRequest } from './answer.ts';
import { forward } from './forward.ts';
import type { ProxyCore } from './proxy-core.ts';
import { type AbsoluteTarget, isCleanPath, parseAbsoluteTarget } from './request-form.ts';
import { checkHost, checkWire, hasBody, readWireFacts, type WireFacts } from './wire-check.ts';

const forwardable: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'REPORT',
]);

/** What a wire request asks for, after everything that can be refused without the policy. */
export interface WireRequest {
  readonly exit: Exit;
  readonly facts: WireFacts;
  readonly path: string;
}

/** Absolute-form requests: `GET http://host/path`. */
export function handleRequest(core: ProxyCore, request: IncomingMessage, response: ServerResponse): void {
  let wire: WireRequest;
  try {
    core.authenticate(request);
    wire = readWireRequest(core, request, 'absolute');
  } catch (error) {
    refuseWire(core, request, error);
    refuseRequest(response, error);
    return;
  }
  admitAndForward(core, wire, { request, response });
}

export interface WireExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What covers the request already, so that the gate is not asked. */
  readonly covering?: Admission | undefined;
}

/** Asks the gate and forwards. An asker that leaves while the user is asked takes its request along. */
export function admitAndForward(core: ProxyCore, wire: WireRequest, exchange: WireExchange): void {
  const { request, response, covering } = exchange;
  const go = (admission: Admission): void => {
    if (response.destroyed) core.gate.close(admission, { bytesUp: 0, bytesDown: 0 });
    else forward(core, { request, response, admission, facts: wire.facts, path: wire.path });
  };
  const refuse = (error: unknown): void => refuseRequest(response, error);
  try {
    const admission = covering ?? core.gate.admit({ ...wire.exit, signal: () => goneSignal(response) });
    if (admission instanceof Promise) {
      admission.then(go).catch(refuse);
    } else {
      go(admission);
    }
  } catch (error) {
    refuse(error);
  }
}

/** Aborts when the other end of a request or connection is gone. */
export function goneSignal(asker: EventEmitter): AbortSignal {
  const gone = new AbortController();
  asker.once('close', () => gone.abort(new EgressError('closed', 'the asker left')));
  return gone.signal;
}

/** Checks form and framing. Throws `EgressError`. */
export function readWireRequest(core: ProxyCore, request: IncomingMessage, form: 'absolute' | 'upgrade'): WireRequest {
  const { rules } = core.gate;
  const target = readTarget(request.url ?? '', rules('wire:form'));
  return checkRequest(core, request, { ...target, form });
}

/** The checks that are the same for every form. */
export function checkRequest(
  core: ProxyCore,
  request: IncomingMessage,
  target: AbsoluteTarget & { readonly form: Exit['form'] },
): WireRequest {
  const { rules } = core.gate;
  const method = request.method ?? '';
  if (rules('wire:form') && !forwardable.has(method))
    throw new EgressError('method', `${method.slice(0, 20)} is not forwarded`);
  if (rules('wire:path') && !isCleanPath(target.path))
    throw new EgressError('request-form', 'the path has a fragment or characters that are not visible ASCII');
  const facts = readWireFacts(request.rawHeaders);
  checkWire(request, facts, rules);
  checkHost(request, facts, target, rules);
  const bodyBytes = facts.lengths[0] === undefined ? undefined : Number(facts.lengths[0]);
  return {
    facts,
    path: target.path,
    exit: {
      destination: {
        scheme: 'http',
        hostText: target.hostText,
        port: target.port,
        method,
        ...(hasBody(facts) ? { hasBody: true } : {}),
      },
      form: target.form,
      path: target.path,
      context: core.context,
      ...(hasBody(facts) && bodyBytes !== undefined ? { bodyBytes } : {}),
    },
  };
}

function readTarget(url: string, isStrict: boolean): AbsoluteTarget {
  const target = parseAbsoluteTarget(url);
  if (target !== undefined) return target;
  if (!isStrict && URL.canParse(url)) {
    const { hostname, port, pathname, search } = new URL(url);
    return { hostText: hostname, port: Number(port) || 80, path: pathname + search };
  }
  throw new EgressError(
    'request-form',
    'this is a proxy: send "GET http://host/path" or "CONNECT host:port", without user information',
  );
}

/** Writes down what was refused before the policy saw it. */
export function refuseWire(core: ProxyCore, request: IncomingMessage, error: unknown): void {
  if (!(error instanceof EgressError)) return;
  const target = parseAbsoluteTarget(request.url ?? '');
  const destination = {
    scheme: 'http' as const,
    hostText: target?.hostText ?? maskAuthority(request.url ?? ''),
    port: target?.port ?? 0,
    method: (request.method ?? '').slice(0, 20),
  };
  core.gate.refuse({ destination, form: 'absolute', context: core.context }, error);
}
