import { registerHooks } from 'node:module';
import type { ToPlugin } from './plugin-messages.ts';

/** The program of a plugin's process: loads the plugin, takes calls over the channel, and lends it nothing else. */

type Call = Extract<ToPlugin, { type: 'call' }>;

interface PluginTool {
  readonly name: string;
  run(input: unknown, context: object): unknown;
}

interface Host {
  readonly send: (message: object) => unknown;
  readonly aborts: Map<number, AbortController>;
  readonly fetches: Map<number, { resolve(response: Response): void; reject(error: Error): void }>;
  tools: ReadonlyMap<string, PluginTool>;
  fetchCount: number;
}

/** Starts listening; called by the entry of this program only. */
export function startPluginHost(): void {
  const host: Host = {
    send: (process.send ?? (() => true)).bind(process),
    aborts: new Map(),
    fetches: new Map(),
    tools: new Map(),
    fetchCount: 0,
  };
  process.on('message', (message: ToPlugin) => void handle(host, message));
  process.on('disconnect', () => process.exit(0));
}

async function handle(host: Host, message: ToPlugin): Promise<void> {
  switch (message.type) {
    case 'load':
      return load(host, message);
    case 'call':
      return call(host, message);
    case 'abort':
      host.aborts.get(message.id)?.abort();
      return;
    case 'fetched': {
      const { status, headers, body } = message.response;
      const content = [101, 204, 205, 304].includes(status) ? null : Buffer.from(body, 'base64');
      host.fetches
        .get(message.fetchId)
        ?.resolve(new Response(content, { status, headers: headers as [string, string][] }));
      host.fetches.delete(message.fetchId);
      return;
    }
    case 'fetch-failed':
      host.fetches
        .get(message.fetchId)
        ?.reject(Object.assign(new Error(message.error.message), { code: message.error.code }));
      host.fetches.delete(message.fetchId);
      return;
    default:
      return message satisfies never;
  }
}

async function load(host: Host, { entry, config, allowedModules }: Extract<ToPlugin, { type: 'load' }>): Promise<void> {
  lockDown(new Set(allowedModules));
  try {
    const plugin = (await import(entry)) as { createTools?: (config: unknown) => unknown };
    if (typeof plugin.createTools !== 'function') throw new Error('the entry exports no function "createTools"');
    const made = (await plugin.createTools(config)) as readonly PluginTool[];
    host.tools = new Map(made.map((tool) => [tool.name, tool]));
    host.send({ type: 'ready', tools: [...host.tools.keys()] });
  } catch (error) {
    host.send({ type: 'load-failed', message: String((error as Error)?.stack ?? error).slice(0, 2000) });
  }
}

/** Modules that reach the world. With the permission flags of Node this is a second lock, not the wall. */
const guarded = [
  'net',
  'tls',
  'dgram',
  'dns',
  'http',
  'https',
  'http2',
  'inspector',
  'worker_threads',
  'child_process',
  'cluster',
  'vm',
  'v8',
  'wasi',
  'repl',
];

function lockDown(allowed: ReadonlySet<string>): void {
  const refused = new Set(guarded.filter((name) => !allowed.has(name)));
  registerHooks({
    resolve(specifier, context, next) {
      const name = specifier.replace(/^node:/, '').split('/')[0] ?? '';
      if (refused.has(name))
        throw Object.assign(new Error(`A plugin may not import "${specifier}"`), { code: 'GENIE_PERMISSION_DENIED' });
      return next(specifier, context);
    },
  });
  const noFetch = () =>
    Promise.reject(Object.assign(new Error('Use the fetch of the tool context'), { code: 'GENIE_PERMISSION_DENIED' }));
  for (const [name, value] of Object.entries({ fetch: noFetch, WebSocket: undefined, EventSource: undefined })) {
    Object.defineProperty(globalThis, name, { value, writable: false, configurable: false });
  }
  const refuse = () => {
    throw Object.assign(new Error('A plugin may not do that'), { code: 'GENIE_PERMISSION_DENIED' });
  };
  for (const name of [
    'binding',
    '_linkedBinding',
    'dlopen',
    'kill',
    'abort',
    'chdir',
    'getBuiltinModule',
    'loadEnvFile',
    'send',
    'disconnect',
  ]) {
    Object.defineProperty(process, name, { value: refuse, writable: false, configurable: false });
  }
}

async function call(host: Host, { id, tool: name, input, run }: Call): Promise<void> {
  const abort = new AbortController();
  host.aborts.set(id, abort);
  try {
    const tool = host.tools.get(name);
    if (!tool) throw new Error(`the plugin has no tool "${name}"`);
    const value = await tool.run(input, {
      ...run,
      tool: name,
      signal: abort.signal,
      fetch: (target: string | URL | Request, init?: RequestInit) =>
        fetchThroughRuntime(host, id, new Request(target, init)),
      progress: (message: string, fraction?: number) =>
        host.send({ type: 'progress', id, message: String(message), ...(fraction === undefined ? {} : { fraction }) }),
    });
    host.send({ type: 'result', id, value: value === undefined ? null : value });
  } catch (error) {
    const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
    host.send({
      type: 'failed',
      id,
      error: {
        code: typeof code === 'string' ? code.slice(0, 100) : 'GENIE_PLUGIN_FAILED',
        message: String(message ?? error).slice(0, 4000),
      },
    });
  } finally {
    host.aborts.delete(id);
  }
}

async function fetchThroughRuntime(host: Host, id: number, request: Request): Promise<Response> {
  const body = request.body ? Buffer.from(await request.arrayBuffer()).toString('base64') : undefined;
  host.fetchCount += 1;
  const fetchId = host.fetchCount;
  return new Promise((resolve, reject) => {
    host.fetches.set(fetchId, { resolve, reject });
    host.send({
      type: 'fetch',
      id,
      fetchId,
      url: request.url,
      method: request.method,
      headers: [...request.headers],
      ...(body === undefined ? {} : { body }),
    });
  });
}
