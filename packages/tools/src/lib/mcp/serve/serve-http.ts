import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GenieError } from '@genie/core/errors';
import { type Clock, systemClock } from '@genie/core/ports';
import {
  createMcpHandler,
  InMemoryServerEventBus,
  isLegacyRequest,
  type ServerEvent,
} from '@modelcontextprotocol/server';
import { sdkFactory } from '../server/build-sdk-server.ts';
import type { McpServer } from '../server/create-mcp-server.ts';
import type { McpChange } from '../server/registry.ts';
import { type GuardOptions, guardRequest, refusal } from './guard-request.ts';
import { createLegacySessions } from './legacy-sessions.ts';
import { sendWebResponse, toWebRequest } from './node-http.ts';

export interface ServeHttpOptions extends GuardOptions {
  /** 0 picks a free one. */
  readonly port: number;
  /** Default `127.0.0.1`. Another address needs a token. */
  readonly host?: string;
  /** Default `/mcp`. */
  readonly path?: string;
  /** Sessions of clients before 2026-07-28. Default 256; the longest unused makes room. */
  readonly maxSessions?: number;
  /** Default 30 minutes. */
  readonly sessionIdleMs?: number;
  /** Largest request. Default 4 MiB. */
  readonly maxBodyBytes?: number;
  readonly clock?: Clock;
  /** Failures that no client sees. */
  readonly onError?: (error: Error) => void;
}

export interface HttpEndpoint {
  readonly url: string;
  readonly sessions: number;
  close(): Promise<void>;
}

/**
 * Serves over Streamable HTTP: requests of 2026-07-28 without state, older clients with sessions. Rejects with
 * `GENIE_MCP_SERVE` when the address cannot be used or would be open to others without a token.
 */
export async function serveHttp(definition: McpServer, options: ServeHttpOptions): Promise<HttpEndpoint> {
  const { host = '127.0.0.1', path = '/mcp', maxBodyBytes = 4 * 1024 * 1024 } = options;
  const guard = guardFor(host, options);
  const bus = new InMemoryServerEventBus(options.onError);
  const stopBus = definition.onChange((change) => bus.publish(toServerEvent(change)));
  const modern = createMcpHandler(sdkFactory(definition), {
    legacy: 'reject',
    bus,
    maxRequestBodySize: maxBodyBytes,
    ...(options.onError ? { onerror: options.onError } : {}),
  });
  const legacy = createLegacySessions(definition, {
    clock: options.clock ?? systemClock,
    maxSessions: options.maxSessions ?? 256,
    idleMs: options.sessionIdleMs ?? 30 * 60_000,
    maxBodyBytes,
  });
  const answer = async (request: Request): Promise<Response> => {
    const refused = guardRequest(request, guard);
    if (refused) return refused;
    if (new URL(request.url).pathname !== path) return refusal(404, `MCP is served at ${path}.`);
    if (await isLegacyRequest(request, undefined, { maxRequestBodySize: maxBodyBytes })) return legacy.handle(request);
    return modern.fetch(request);
  };
  const server = createServer((incoming, outgoing) => {
    const request = toWebRequest(incoming, outgoing);
    answer(request)
      .catch((error: unknown) => {
        options.onError?.(error instanceof Error ? error : new Error(String(error)));
        return refusal(500, 'Internal error');
      })
      .then((response) => sendWebResponse(response, outgoing))
      .catch((error: unknown) => options.onError?.(error instanceof Error ? error : new Error(String(error))));
  });
  const port = await listen(server, options.port, host);
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`,
    get sessions() {
      return legacy.size;
    },
    async close() {
      stopBus();
      await modern.close();
      await legacy.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A served address of its own is an allowed `Host`; anything but loopback needs a token. */
function guardFor(host: string, options: ServeHttpOptions): GuardOptions {
  const local = host === '127.0.0.1' || host === '::1' || host === 'localhost';
  if (!local && options.token === undefined)
    throw new GenieError(
      'GENIE_MCP_SERVE',
      `Serving on ${host} lets other machines in: give a "token", or serve on 127.0.0.1.`,
    );
  const allowedHosts = options.allowedHosts ?? ['localhost', '127.0.0.1', '[::1]', ...(local ? [] : [host])];
  return {
    allowedHosts,
    allowedOrigins: options.allowedOrigins ?? allowedHosts,
    ...(options.token === undefined ? {} : { token: options.token }),
  };
}

function listen(server: ReturnType<typeof createServer>, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new GenieError('GENIE_MCP_SERVE', `Cannot serve on ${host}:${port}: ${error.message}.`, { cause: error })),
    );
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function toServerEvent(change: McpChange): ServerEvent {
  switch (change.kind) {
    case 'tools':
      return { kind: 'tools_list_changed' };
    case 'prompts':
      return { kind: 'prompts_list_changed' };
    case 'resources':
      return { kind: 'resources_list_changed' };
    case 'resource':
      return { kind: 'resource_updated', uri: change.uri };
    default:
      return change satisfies never;
  }
}
