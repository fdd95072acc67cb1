import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineTool } from '@genie/core';
import { createMcpServer, serveMcp } from '@genie/tools/mcp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { mcpSettingsSchema } from './mcp-settings.ts';
import { type OpenServerOptions, openServer } from './open-server.ts';

const curl = '/usr/bin/curl';
const hasWalls = ['/usr/bin/bwrap', '/usr/local/bin/bwrap'].some((file) => existsSync(file)) && existsSync(curl);
if (!hasWalls) console.log('skipped: the network of an MCP program, bubblewrap or curl is missing');

/** A server whose one tool asks an address with curl, through whatever network it has. */
const asking = `
import { execFile } from 'node:child_process';
import { createInterface } from 'node:readline';
const say = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'server/discover') console.log(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }));
  if (method === 'initialize') say(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'asking', version: '1' } });
  if (method === 'tools/list') say(id, { tools: [{ name: 'ask', inputSchema: { type: 'object', properties: { url: { type: 'string' } } }, annotations: { readOnlyHint: true } }] });
  if (method === 'tools/call')
    execFile(${JSON.stringify(curl)}, ['-sS', '--connect-timeout', '1', '--max-time', '5', '-w', ' %{http_code}', params.arguments.url], (error, stdout, stderr) =>
      say(id, { content: [{ type: 'text', text: error ? 'failed ' + stdout + stderr : stdout }] }));
});
`;

describe('openServer', () => {
  let home: string;
  const closers: (() => unknown)[] = [];
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'genie-reach-'));
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    rmSync(home, { recursive: true, force: true });
  });

  /** A web server on loopback that counts who came. */
  async function listen(answer: RequestListener): Promise<{ address: string; visits: () => number }> {
    let visits = 0;
    const server = createServer((request, response) => {
      visits += 1;
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, visits: () => visits };
  }

  async function open(settings: object, more: Partial<OpenServerOptions> = {}) {
    const server = mcpSettingsSchema.parse({ far: settings }).far ?? expect.fail('no server');
    const connect = { maxAttempts: 1 };
    const { connection, close } = await openServer({
      ...{ home, genieId: 'g', name: 'far', server, environment: { PATH: process.env.PATH ?? '' }, connect },
      ...more,
    });
    closers.push(close);
    return async (tool: string, input: object) =>
      (connection.get(`far__${tool}`) ?? expect.fail(`no tool ${tool}`)).run(input as never, {
        ...{ runId: 'r', callId: 'c', genieId: 'g', tool, fetch, progress: () => undefined },
        signal: AbortSignal.timeout(20_000),
      });
  }

  it('reaches a server at its address through a door of its own, and nothing that the server sends it to', async () => {
    const add = defineTool({
      name: 'add',
      description: 'Adds.',
      effect: 'read',
      input: z.strictObject({ a: z.number(), b: z.number() }),
      run: ({ a, b }) => a + b,
    });
    const serving = await serveMcp(createMcpServer({ name: 'far', version: '1.0.0', tools: [add] }), {
      http: { port: 0 },
    });
    closers.push(() => serving.close());
    const url = serving.url ?? '';
    const call = await open({ url });
    expect(await call('add', { a: 1, b: 2 })).toBe('3');

    const other = await listen((_request, response) => void response.end('secret'));
    const away = await listen(
      (_request, response) => void response.writeHead(307, { location: `http://${other.address}/mcp` }).end(),
    );
    // Not even where it is granted: another address is another server, which the user has not added.
    for (const network of [[], [other.address]])
      await expect(open({ url: `http://${away.address}/mcp`, network })).rejects.toMatchObject({
        code: 'GENIE_MCP_UNREACHABLE',
        message: expect.stringContaining('not followed'),
      });
    expect(away.visits()).toBeGreaterThan(0);
    expect(other.visits()).toBe(0);
  }, 30_000);

  it.runIf(hasWalls)(
    'lets a program reach the hosts of its network grant and no other',
    async () => {
      const granted = await listen((_request, response) => void response.end('hello'));
      const other = await listen((_request, response) => void response.end('secret'));
      writeFileSync(join(home, 'asking.mjs'), asking);
      const program = {
        command: [process.execPath, join(home, 'asking.mjs')],
        read: [process.execPath, join(home, 'asking.mjs')],
      };
      const call = await open({ ...program, network: [granted.address] });
      expect(await call('ask', { url: `http://${granted.address}/` })).toBe('hello 200');
      expect(await call('ask', { url: `http://${other.address}/` })).toMatch(/is blocked.* 403$/s);
      expect([granted.visits(), other.visits()]).toEqual([1, 0]);

      const without = await open(program);
      expect(await without('ask', { url: `http://${granted.address}/` })).toMatch(/^failed/);
      expect(granted.visits()).toBe(1);
    },
    30_000,
  );
});
