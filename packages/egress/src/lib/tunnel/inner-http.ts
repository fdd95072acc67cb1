import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { EgressError } from '../egress-error.ts';
import type { Admission } from '../gate.ts';
import { refuseRequest } from '../proxy/answer.ts';
import { forward } from '../proxy/forward.ts';
import { admitAndForward, checkRequest, type WireRequest } from '../proxy/handle-request.ts';
import { type UpgradeSource, upgradeFrom } from '../proxy/handle-upgrade.ts';
import type { ProxyCore } from '../proxy/proxy-core.ts';
import { createLimitedServer } from '../proxy/server-limits.ts';
import type { InnerHttp } from './handle-connect.ts';

/**
 * Plain HTTP in a tunnel: every request in it passes the whole policy, and its Host must be the authority of the CONNECT.
 * One approval of the tunnel covers the requests in it, since that one connection is what the user allowed.
 */
export function createInnerHttp(core: ProxyCore): { readonly accept: InnerHttp; readonly server: Server } {
  const admissions = new WeakMap<object, Admission>();
  const server = createLimitedServer(core, (request, response) => {
    const admission = admissions.get(request.socket);
    if (admission === undefined) response.destroy();
    else handleInner(core, request, response, admission);
  });
  server.on('upgrade', (request, client, head) => {
    const tunnel = admissions.get(client);
    if (tunnel === undefined) client.destroy();
    else void upgradeFrom(core, { request, client, head }, upgradeSource(core, request, tunnel));
  });
  return {
    server,
    accept(client: Duplex, bytes, admission) {
      admissions.set(client, admission);
      client.once('close', () => core.gate.close(admission, { bytesUp: 0, bytesDown: 0 }));
      client.unshift(bytes);
      server.emit('connection', client);
      client.resume();
    },
  };
}

function handleInner(core: ProxyCore, request: IncomingMessage, response: ServerResponse, tunnel: Admission): void {
  let wire: WireRequest;
  try {
    wire = readInner(core, request, tunnel);
  } catch (error) {
    if (error instanceof EgressError) core.gate.refuse({ ...tunnel.exit, form: 'tunnel-http' }, error);
    refuseRequest(response, error);
    return;
  }
  if (tunnel.passage === undefined) admitAndForward(core, wire, request, response);
  else forward(core, { request, response, admission: coveredBy(tunnel, wire), facts: wire.facts, path: wire.path });
}

function upgradeSource(core: ProxyCore, request: IncomingMessage, tunnel: Admission): UpgradeSource {
  return {
    read: () => readInner(core, request, tunnel),
    admit: (wire, signal) =>
      tunnel.passage === undefined ? core.gate.admit({ ...wire.exit, signal }) : coveredBy(tunnel, wire),
  };
}

function coveredBy(tunnel: Admission, wire: WireRequest): Admission {
  return { ...tunnel, exit: wire.exit };
}

function readInner(core: ProxyCore, request: IncomingMessage, tunnel: Admission): WireRequest {
  const { hostText, port } = tunnel.exit.destination;
  const path = request.url ?? '';
  if (!path.startsWith('/')) throw new EgressError('request-form', 'a request in a tunnel names a path only');
  return checkRequest(core, request, { hostText, port, path, form: 'tunnel-http' });
}
