import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { EgressError } from '../egress-error.ts';
import { refuseOnSocket, writeHead } from './answer.ts';
import type { ProxyCore } from './proxy-core.ts';

const maxPipelined = 16;

/** A server with limits on what a client may send and how slowly; what the parser refuses is answered and closed. */
export function createLimitedServer(
  core: ProxyCore,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const isTooMany = createPipelineLimit(core);
  const server = createServer(
    {
      maxHeaderSize: core.gate.rules('wire:header-size') ? 16_384 : 10_000_000,
      connectionsCheckingInterval: Math.min(1_000, core.times.headersTimeoutMs / 2),
    },
    (request, response) => {
      if (!isTooMany(request, response)) handle(request, response);
    },
  );
  configureServer(server, core);
  // Node looks for slow clients only from this event on, and some of these servers are handed their connections instead of
  // listening. `close` ends it.
  server.emit('listening');
  return server;
}

/** Ends a connection on which too many requests wait for their answers; what else is in its pipeline is not read. */
function createPipelineLimit(core: ProxyCore): (request: IncomingMessage, response: ServerResponse) => boolean {
  const underway = new WeakMap<object, number>();
  return ({ socket }, response) => {
    if (socket.destroyed) return true;
    const now = (underway.get(socket) ?? 0) + 1;
    if (now > maxPipelined && core.gate.rules('wire:pipelining')) {
      socket.destroy();
      return true;
    }
    underway.set(socket, now);
    response.once('close', () => underway.set(socket, (underway.get(socket) ?? 1) - 1));
    return false;
  };
}

function refuseUnreadable(core: ProxyCore, error: NodeJS.ErrnoException, socket: Duplex): void {
  const why = `the request is not HTTP/1.1 as it is written: ${error.code ?? error.message}`;
  const refusal = new EgressError('request-smuggling', why);
  // A connection that breaks off asked for nothing.
  if (error.code?.startsWith('HPE_')) {
    const destination = { scheme: 'http', hostText: '', port: 0, method: '' } as const;
    core.gate.refuse({ destination, form: 'absolute', context: core.context }, refusal);
  }
  refuseOnSocket(socket, refusal);
}

function configureServer(server: Server, core: ProxyCore): void {
  const { times, gate } = core;
  const isStrict = gate.rules('wire:slow-client');
  server.headersTimeout = isStrict ? times.headersTimeoutMs : 0;
  server.requestTimeout = isStrict ? times.requestTimeoutMs : 0;
  server.keepAliveTimeout = 60_000;
  // Node would drop what is over the limit silently; the wire check counts instead.
  server.maxHeadersCount = 0;
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    response.writeContinue();
    server.emit('request', request, response);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'HPE_HEADER_OVERFLOW')
      socket.end(writeHead(431, { connection: 'close', 'content-length': '0' }));
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
      socket.end(writeHead(408, { connection: 'close', 'content-length': '0' }));
    else refuseUnreadable(core, error, socket);
    setTimeout(() => socket.destroy(), 200).unref();
  });
}
