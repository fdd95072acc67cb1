import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { EgressError } from '../egress-error.ts';
import type { Admission } from '../gate.ts';
import { refuseRequest } from '../proxy/answer.ts';
import { admitAndForward, checkRequest, type WireRequest } from '../proxy/handle-request.ts';
import { type UpgradeSource, upgradeFrom } from '../proxy/handle-upgrade.ts';
import type { ProxyCore } from '../proxy/proxy-core.ts';
import { createLimitedServer } from '../proxy/server-limits.ts';
import type { InnerHttp, TunnelSource } from './handle-connect.ts';

/**
 * Plain HTTP in a tunnel: every request in it passes the whole policy, and its Host must be the authority of the CONNECT.
 * One approval of the tunnel covers the requests in it, since that one connection is what the user allowed.
 */
export function createInnerHttp(core: ProxyCore): { readonly accept: InnerHttp; readonly server: Server } {
  const tunnels = new WeakMap<object, TunnelSource>();
  const server = createLimitedServer(core, (request, response) => {
    const tunnel = tunnels.get(request.socket);
    if (tunnel === undefined) response.destroy();
    else handleInner(core, request, response, tunnel);
  });
  server.on('upgrade', (request, client, head) => {
    const tunnel = tunnels.get(client);
    if (tunnel === undefined) client.destroy();
    else void upgradeFrom(core, { request, client, head }, upgradeSource(core, request, tunnel));
  });
  return {
    server,
    accept(client: Duplex, bytes, tunnel) {
      const { admission } = tunnel;
      tunnels.set(client, tunnel);
      if (admission !== undefined) client.once('close', () => core.gate.close(admission, { bytesUp: 0, bytesDown: 0 }));
      client.unshift(bytes);
      server.emit('connection', client);
      client.resume();
    },
  };
}

function handleInner(core: ProxyCore, request: IncomingMessage, response: ServerResponse, tunnel: TunnelSource): void {
  let wire: WireRequest;
  try {
    wire = readInner(core, request, tunnel);
  } catch (error) {
    if (error instanceof EgressError) core.gate.refuse({ ...tunnel.exit, form: 'tunnel-http' }, error);
    refuseRequest(response, error);
    return;
  }
  admitAndForward(core, wire, { request, response, covering: coveredBy(tunnel, wire) });
}

function upgradeSource(core: ProxyCore, request: IncomingMessage, tunnel: TunnelSource): UpgradeSource {
  return {
    read: () => readInner(core, request, tunnel),
    admit: (wire, signal) => coveredBy(tunnel, wire) ?? core.gate.admit({ ...wire.exit, signal }),
  };
}

/** The user approved the tunnel itself, so what is in it needs no second approval. */
function coveredBy({ admission }: TunnelSource, wire: WireRequest): Admission | undefined {
  return admission?.passage === undefined ? undefined : { ...admission, exit: wire.exit };
}

function readInner(core: ProxyCore, request: IncomingMessage, tunnel: TunnelSource): WireRequest {
  const { hostText, port } = tunnel.exit.destination;
  const path = request.url ?? '';
  if (!path.startsWith('/') && core.gate.rules('tunnel:inner-host')) {
    throw new EgressError(
      'host-mismatch',
      'a request in a tunnel names a path only, since its host is that of the tunnel',
    );
  }
  return checkRequest(core, request, { hostText, port, path, form: 'tunnel-http' });
}
