import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GenieError } from '@genie/core/errors';
import type { EgressContext } from '@genie/core/ports';
import type { Egress } from '../create-egress.ts';
import { createDeadlines } from '../deadlines.ts';
import { handleConnect, type InnerHttp } from '../tunnel/handle-connect.ts';
import { createInnerHttp } from '../tunnel/inner-http.ts';
import { createAuthenticator } from './authenticate.ts';
import { handleRequest } from './handle-request.ts';
import { handleUpgrade } from './handle-upgrade.ts';
import { createOpenConnections } from './open-connections.ts';
import type { ProxyCore } from './proxy-core.ts';
import { createLimitedServer } from './server-limits.ts';
import { UpstreamPool } from './upstream-pool.ts';

export interface ProxyOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** `user:password` that every request has to bring. */
  readonly auth?: string;
  /** Path of a unix socket (a pipe name on Windows) instead of host and port. */
  readonly socket?: string;
  /** Written to approvals and the audit log for everything that comes through this proxy; a function is asked at each request. */
  readonly context?: EgressContext | (() => EgressContext);
  /** Default 10,000. */
  readonly headersTimeoutMs?: number;
  /** Default 300,000. */
  readonly requestTimeoutMs?: number;
  /** Without a byte in either direction. Default 300,000. */
  readonly idleTimeoutMs?: number;
  /** Connections at one time. Default 10,000. */
  readonly maxConnections?: number;
}

export interface ProxyServer {
  /** What to put into `HTTP_PROXY`; with `auth`, credentials are not part of it. Undefined for a socket. */
  readonly url: string;
  readonly port: number;
  /** Connections that are open now. */
  connections(): number;
  /** Ends every connection. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a forward proxy (`CONNECT`, absolute form, WebSocket) whose every request passes the filter. Errors by code:
 * `GENIE_EGRESS_OPTIONS`, `GENIE_EGRESS_LISTEN` (the address is taken or not ours).
 */
export async function startProxy(egress: Egress, options: ProxyOptions = {}): Promise<ProxyServer> {
  const core = createProxyCore(egress, options);
  const { server, inner } = createProxyServer(core);
  server.maxConnections = options.maxConnections ?? 10_000;
  try {
    await listen(server, options);
  } catch (error) {
    for (const one of [server, inner]) one.close();
    throw error;
  }
  const lower = egress.raiseGrade('proxy');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? (address as AddressInfo).port : 0;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= new Promise((resolve) => {
      lower();
      server.close(() => resolve());
      inner.close();
      core.connections.destroyAll();
      core.pool.destroy();
    });
    return closing;
  };
  return {
    url: options.socket ?? toUrl(options.host ?? '127.0.0.1', port),
    port,
    connections: () => core.connections.size,
    close,
  };
}

/** What the parts of a proxy share, from its options. */
export function createProxyCore(egress: Egress, options: ProxyOptions): ProxyCore {
  const { gate } = egress;
  const given = options.context ?? {};
  const times = {
    headersTimeoutMs: options.headersTimeoutMs ?? 10_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 300_000,
    idleTimeoutMs: options.idleTimeoutMs ?? 300_000,
  };
  const authenticate = gate.rules('wire:auth') ? createAuthenticator(options.auth) : () => undefined;
  return {
    gate,
    times,
    authenticate,
    connections: createOpenConnections(times.idleTimeoutMs),
    deadlines: createDeadlines(),
    pool: new UpstreamPool(gate, {
      idleMs: times.idleTimeoutMs,
      certificateAuthorities: egress.certificateAuthorities,
    }),
    get context() {
      return typeof given === 'function' ? given() : given;
    },
    credentials: egress.credentials,
  };
}

/** The server without its listener, for whoever brings connections of his own. */
export function createProxyServer(core: ProxyCore): {
  readonly server: Server;
  readonly inner: Server;
  readonly acceptHttp: InnerHttp;
} {
  const inner = createInnerHttp(core);
  const server = createLimitedServer(core, (request, response) => handleRequest(core, request, response));
  server.on('connection', (socket) => core.connections.add(socket));
  server.on('connect', (request, client, head) => void handleConnect(core, inner.accept, request, client, head));
  server.on('upgrade', (request, client, head) => void handleUpgrade(core, request, client, head));
  return { server, inner: inner.server, acceptHttp: inner.accept };
}

function listen(server: Server, options: ProxyOptions): Promise<void> {
  const where =
    options.socket === undefined
      ? { host: options.host ?? '127.0.0.1', port: options.port ?? 0 }
      : { path: options.socket };
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const message = `the proxy cannot listen on ${JSON.stringify(where)}: ${cause.message}. Choose another address or port`;
      reject(new GenieError('GENIE_EGRESS_LISTEN', message, { cause }));
    });
    server.listen(where, () => resolve());
  });
}

function toUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
