import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Approvals, Clock, LanguageModel } from '@genie/core/ports';
import { createEgress, type Egress, type EgressOptions, openContainment } from '@genie/egress';
import type { Environment } from '@genie/inference';
import { type ConnectMcpOptions, connectMcp, type McpConnection, openMcpSandbox, openMcpStore } from '@genie/tools/mcp';
import { mcpFolder } from './mcp-folder.ts';
import type { McpServerSettings } from './mcp-settings.ts';
import { referenced, serverEnvironment } from './server-environment.ts';

export interface OpenServerOptions {
  readonly home: string;
  readonly genieId: string;
  readonly name: string;
  readonly server: McpServerSettings;
  readonly environment: Environment;
  /** Changed tools and questions of the server go here. */
  readonly approvals?: Approvals | undefined;
  /** Answers the server where it may ask. */
  readonly model?: LanguageModel | undefined;
  /** Audit log, events and name lookup of the home's door; the server gets a door with rules of its own. */
  readonly door?: Pick<EgressOptions, 'audit' | 'events' | 'lookup'> | undefined;
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onError?: ((error: Error) => void) | undefined;
  readonly connect?: Pick<ConnectMcpOptions, 'maxAttempts' | 'connectTimeoutMs' | 'stallMs' | 'requestTimeoutMs'>;
}

export interface OpenServer {
  readonly connection: McpConnection;
  /** Ends the connection, the program and everything made for it. Idempotent. */
  close(): Promise<void>;
}

/** The folder that belongs to one server; programs start in it. */
export function serverFolder(home: string, name: string): string {
  return join(mcpFolder(home), 'servers', name);
}

/**
 * Connects to one server of a home with the walls that its settings name. Rejects as `connectMcp`, with
 * `GENIE_MCP_ENVIRONMENT`, `GENIE_SANDBOX_UNAVAILABLE` and `GENIE_EGRESS_CONTAINMENT`.
 */
export async function openServer(options: OpenServerOptions): Promise<OpenServer> {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const { server } = options;
    const reach = server.url === undefined ? await programReach(options, closers) : addressReach(options, closers);
    const connection = await connectMcp({ ...commonOptions(options), ...reach });
    closers.push(() => connection.close());
    return { connection, close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

function commonOptions(options: OpenServerOptions): Omit<ConnectMcpOptions, 'command' | 'url'> {
  const { home, name, genieId, approvals, model, clock, signal, onError, server } = options;
  return {
    name,
    genieId,
    store: openMcpStore({ dir: join(mcpFolder(home), 'accepted') }),
    ...(approvals ? { approvals } : {}),
    ...(model && server.sampling ? { model } : {}),
    ...(clock ? { clock } : {}),
    ...(signal ? { signal } : {}),
    ...(onError ? { onError } : {}),
    ...options.connect,
  };
}

type Closers = (() => Promise<void> | void)[];
type Reach = Pick<ConnectMcpOptions, 'command' | 'args' | 'env' | 'cwd' | 'spawn' | 'url' | 'headers' | 'fetch'>;

async function programReach(options: OpenServerOptions, closers: Closers): Promise<Reach> {
  const { home, name, server, environment } = options;
  const [command = '', ...args] = server.command ?? [];
  const env = serverEnvironment(name, server, environment);
  const folder = serverFolder(home, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!server.sandbox)
    return { command, args, cwd: folder, env: { PATH: environment.PATH ?? '', HOME: folder, ...env } };
  const egress = server.network.length > 0 ? ownDoor(options, server.network, closers) : undefined;
  const context = { genieId: options.genieId, tool: `mcp:${name}` };
  const network = egress && (await openContainment(egress, { context }));
  if (network) closers.push(() => network.close());
  const sandbox = await openMcpSandbox({
    workspace: folder,
    readOnly: server.read,
    writable: server.write,
    ...(network ? { network } : {}),
  });
  return { command, args, env, spawn: sandbox.spawn };
}

function addressReach(options: OpenServerOptions, closers: Closers): Reach {
  const { name, server, environment, genieId } = options;
  const url = server.url ?? '';
  const egress = ownDoor(options, [hostOf(url), ...server.network], closers);
  const token = server.tokenFrom === undefined ? undefined : referenced(name, server.tokenFrom, environment);
  return {
    url,
    fetch: (input, init) => egress.fetch(input as string | URL | Request, init, { genieId, tool: `mcp:${name}` }),
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
  };
}

/** A filter that lets one server reach its own hosts and nothing else; nobody is asked. */
function ownDoor({ genieId, door }: OpenServerOptions, allow: readonly string[], closers: Closers): Egress {
  const egress = createEgress({ ...door, allow, genieId });
  closers.push(() => egress.close());
  return egress;
}

/** What `egress` calls the host of an address. */
export function hostOf(address: string): string {
  const { hostname, port, protocol } = new URL(address);
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
}
