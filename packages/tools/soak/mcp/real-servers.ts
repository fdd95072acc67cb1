// Drives published MCP servers the way a genie does, and takes them away in the middle of it.
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Tool } from '@genie/core';
import { connectMcp, type McpConnection, type McpSandbox, openMcpSandbox } from '@genie/tools/mcp';

const repository = path.join(import.meta.dirname, '../../../..');
export const installed = path.join(repository, 'tooling/mcp-servers/node_modules');
const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((file) => existsSync(file));

export const hasSandbox = ['/usr/bin/bwrap', '/usr/local/bin/bwrap'].some((file) => existsSync(file));

export interface RealServer {
  readonly name: string;
  /** Script below `tooling/mcp-servers/node_modules`, then its arguments. */
  readonly args: (place: Place) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** It starts a browser, which reaches the page of the test and so is not in a sandbox without a network. */
  readonly needsBrowser?: true;
  /** One real use; rejects when the answer is not the expected one. */
  use(call: (tool: string, input: object) => Promise<string>, place: Place): Promise<void>;
}

export interface Place {
  /** A folder with `note.md` in it, readable for the server. */
  readonly folder: string;
  /** A local page that says `A harbour bridge opens`. */
  readonly page: string;
}

const browserFlags = ['--headless', '--isolated', '--no-sandbox'];

export const realServers: readonly RealServer[] = [
  {
    name: 'everything',
    args: () => ['@modelcontextprotocol/server-everything/dist/index.js', 'stdio'],
    async use(call) {
      expectText(await call('get-sum', { a: 20, b: 22 }), '42');
      expectText(await call('read_resource', { uri: 'demo://resource/static/document/features.md' }), 'tool');
    },
  },
  {
    name: 'filesystem',
    args: ({ folder }) => ['@modelcontextprotocol/server-filesystem/dist/index.js', folder],
    async use(call, { folder }) {
      expectText(await call('read_text_file', { path: path.join(folder, 'note.md') }), 'harbour bridge');
    },
  },
  {
    name: 'memory',
    args: () => ['@modelcontextprotocol/server-memory/dist/index.js'],
    env: {
      MEMORY_FILE_PATH: hasSandbox ? '/workspace/memory.jsonl' : path.join(tmpdir(), `genie-${randomUUID()}.jsonl`),
    },
    async use(call) {
      const entities = [{ name: 'bridge', entityType: 'building', observations: ['opens on Friday'] }];
      await call('create_entities', { entities });
      expectText(await call('search_nodes', { query: 'bridge' }), 'opens on Friday');
    },
  },
  {
    name: 'playwright',
    needsBrowser: true,
    args: () => ['@playwright/mcp/cli.js', ...browserFlags, '--executable-path', chromium ?? ''],
    async use(call, { page }) {
      await call('browser_navigate', { url: page });
      expectText(await call('browser_snapshot', {}), 'harbour bridge');
    },
  },
  {
    name: 'devtools',
    needsBrowser: true,
    args: () => [
      'chrome-devtools-mcp/build/src/bin/chrome-devtools-mcp.js',
      ...['--headless', '--isolated', '--executablePath', chromium ?? '', '--chromeArg=--no-sandbox'],
      ...['--no-usage-statistics', '--no-performance-crux'],
    ],
    async use(call, { page }) {
      const pages = await call('new_page', { url: page });
      const pageId = Number(/(\d+): \S+ \[selected\]/.exec(pages)?.[1]);
      expectText(await call('take_snapshot', { pageId }), 'harbour bridge');
    },
  },
];

/** Why a server cannot be driven here; undefined when it can. */
export function whyNot({ needsBrowser }: Pick<RealServer, 'needsBrowser'>): string | undefined {
  if (!existsSync(installed)) return 'the servers are not installed (tooling/mcp-servers)';
  return needsBrowser && !chromium ? 'chromium is not installed' : undefined;
}

export interface Driven {
  readonly tools: number;
  readonly protocolVersion: string | undefined;
  /** Command lines of the processes of the server that were there after the end. */
  readonly leaked: readonly string[];
  readonly steps: readonly string[];
}

export interface DriveOptions {
  /** How long a hang lasts. Default 20,000: a browser may be busy. */
  readonly stallMs?: number;
}

/**
 * Uses a server, kills it, uses it again, stops it so that it hangs, waits for the breaker, uses it again, ends it. Rejects
 * at the first step that does not go as it should.
 */
export async function driveServer(server: RealServer, { stallMs = 20_000 }: DriveOptions = {}): Promise<Driven> {
  const mark = `genie-real-${randomUUID()}`;
  const steps: string[] = [];
  const { place, pages, root } = await makePlace();
  let sandbox: McpSandbox | undefined;
  let connection: McpConnection | undefined;
  try {
    const [script = '', ...args] = server.args(place);
    sandbox = hasSandbox && !server.needsBrowser ? await openSandbox(root, place) : undefined;
    connection = await connectMcp({
      name: server.name,
      command: process.execPath,
      args: [realpathSync(path.join(installed, script)), ...args],
      env: { MARK: mark, PATH: process.env.PATH ?? '', ...server.env, ...(sandbox ? {} : { HOME: root }) },
      ...(sandbox ? { spawn: sandbox.spawn } : { cwd: root }),
      stallMs,
      breakerOpenMs: 300,
    });
    const { protocolVersion } = connection;
    const tools = connection.list().length;
    const call = callerOf(connection);
    await server.use(call, place);
    steps.push('used');
    const first = connection.pid ?? 0;
    process.kill(first, 'SIGKILL');
    await until('the kill to be noticed', () => connection?.isConnected === false);
    await server.use(call, place);
    if (connection.pid === first) throw new Error('the killed process answered');
    steps.push('killed', 'used again');
    await hang(server, { connection, mark, call, place });
    steps.push('hung', 'used again');
    await connection.close();
    await until('the processes to end', () => marked(mark).length === 0, 5_000).catch(() => undefined);
    return { tools, protocolVersion, leaked: marked(mark).map(commandOf), steps };
  } catch (error) {
    throw new Error(`${server.name} after ${steps.join(', ') || 'nothing'}: ${String(error)}`, { cause: error });
  } finally {
    await connection?.close();
    pages.closeAllConnections();
    pages.close();
    for (const pid of marked(mark)) process.kill(pid, 'SIGKILL');
    rmSync(root, { recursive: true, force: true });
  }
}

interface Hanging {
  readonly connection: McpConnection;
  readonly mark: string;
  readonly call: (tool: string, input: object, signal?: AbortSignal) => Promise<string>;
  readonly place: Place;
}

/** A stopped process keeps its pipes open and says nothing: the worst kind of server. */
async function hang(server: RealServer, { connection, mark, call, place }: Hanging): Promise<void> {
  const before = connection.pid;
  for (const pid of marked(mark)) process.kill(pid, 'SIGSTOP');
  const codes: string[] = [];
  const impatient = async (): Promise<void> => {
    await server.use(call, place);
    throw new Error('a stopped server answered');
  };
  await impatient().catch((error: { readonly code?: string }) => codes.push(error.code ?? String(error)));
  await server.use(call, place).catch((error: { readonly code?: string }) => codes.push(error.code ?? String(error)));
  if (codes.join(' ') !== 'GENIE_MCP_TIMEOUT GENIE_MCP_UNAVAILABLE')
    throw new Error(`a hang gave ${codes.join(', then ')}`);
  await new Promise((resolve) => setTimeout(resolve, 400));
  await server.use(call, place);
  if (connection.pid === before) throw new Error('the stopped process was kept');
}

/** Calls a tool the way a loop does and gives its answer as a text. */
export function callerOf(connection: McpConnection) {
  return async (name: string, input: object): Promise<string> => {
    const tool = connection.get(`${connection.name}__${name}`) as Tool | undefined;
    if (!tool)
      throw new Error(
        `there is no tool ${name}, but ${connection
          .list()
          .map((one) => one.name)
          .join(' ')}`,
      );
    const checked = await tool.input['~standard'].validate(input);
    if (checked.issues) throw new Error(checked.issues.map(({ message }) => message).join('; '));
    const value = await tool.run(checked.value, {
      runId: 'run',
      callId: 'call',
      genieId: 'soak',
      tool: name,
      signal: AbortSignal.timeout(60_000),
      fetch: () => Promise.reject(new Error('nothing leaves')),
      progress: () => undefined,
    });
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
}

async function makePlace(): Promise<{ readonly place: Place; readonly pages: Server; readonly root: string }> {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'genie-real-')));
  const folder = path.join(root, 'notes');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'note.md'), 'The harbour bridge opens on Friday.\n');
  chmodSync(root, 0o755);
  const pages = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<h1>News</h1><p>A harbour bridge opens on Friday.</p>'),
  );
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', () => resolve()));
  const page = `http://127.0.0.1:${(pages.address() as AddressInfo).port}/`;
  return { place: { folder, page }, pages, root };
}

/** The programs of the repository to read, a folder of its own to write to, no network. */
function openSandbox(root: string, { folder }: Place): Promise<McpSandbox> {
  const modules = path.join(repository, 'node_modules');
  return openMcpSandbox({ workspace: path.join(root, 'own'), readOnly: [modules, folder] });
}

/** Processes that carry the mark in their environment, wherever they hang in the tree. */
function marked(mark: string): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/environ`, 'latin1').includes(mark) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

function commandOf(pid: number): string {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`;
  } catch {
    return `${pid}, which has ended since`;
  }
}

async function until(what: string, isTrue: () => boolean, limitMs = 10_000): Promise<void> {
  for (const end = performance.now() + limitMs; !isTrue(); ) {
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function expectText(text: string, part: string): void {
  if (!text.includes(part))
    throw new Error(`expected ${JSON.stringify(part)} in ${JSON.stringify(text.slice(0, 300))}`);
}
