// What serving costs beside the bare SDK, and how long a client waits for the first list of a fresh program.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { JsonObject } from '@genie/core';
import { createMcpServer, serveMcp, textResult } from '@genie/tools/mcp';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { buildPackages } from './built-packages.ts';

const rounds = 5;
const requests = 400;
const concurrency = 16;

const body = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: 'echo',
    arguments: { text: 'hello' },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
});
const headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'echo',
};

export async function bench({ log }: { readonly json: boolean; readonly log: (line: string) => void }) {
  const own = await ownServer();
  const bare = await bareServer();
  const ratios: number[] = [];
  await rate(own.url);
  await rate(bare.url);
  for (let round = 0; round < rounds; round += 1) {
    const ours = await rate(own.url);
    const theirs = await rate(bare.url);
    log(`mcp serving: ${Math.round(ours)} requests/s, bare ${Math.round(theirs)}`);
    ratios.push(ours / theirs);
  }
  await own.close();
  await bare.close();
  const ratio = median(ratios);
  const first = median(await firstLists());
  return [
    {
      id: 'mcp.requests-ratio',
      what: `requests/s, ${concurrency} at once, against the bare SDK server with one tool`,
      value: Number(ratio.toFixed(3)),
      unit: 'x',
      reach: '>= 0.8',
      ok: ratio >= 0.8,
    },
    {
      id: 'mcp.first-list',
      what: 'from starting `genie mcp serve --stdio` to its first tools/list answer',
      value: Math.round(first),
      unit: 'ms',
      reach: '<= 400',
      ok: first <= 400,
    },
  ];
}

async function ownServer() {
  const server = createMcpServer({
    name: 'own',
    version: '1.0.0',
    tools: [
      {
        name: 'echo',
        description: 'Says it again.',
        inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
        run: (input: JsonObject) => textResult(String(input.text)),
      },
    ],
  });
  const serving = await serveMcp(server, { http: { port: 0 } });
  return { url: serving.url ?? '', close: () => serving.close() };
}

/** The SDK as it comes, behind the least that Node needs. */
async function bareServer() {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'bare', version: '1.0.0' });
    server.registerTool(
      'echo',
      { description: 'Says it again.', inputSchema: z.object({ text: z.string() }) },
      ({ text }) => ({ content: [{ type: 'text', text }] }),
    );
    return server;
  });
  const server = createServer(async (incoming, outgoing) => {
    const request = new Request('http://localhost/mcp', {
      method: 'POST',
      headers: incoming.headers as Record<string, string>,
      body: Readable.toWeb(incoming) as ReadableStream<Uint8Array>,
      duplex: 'half',
    } as RequestInit);
    const response = await handler.fetch(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async close() {
      server.closeAllConnections();
      await handler.close();
      server.close();
    },
  };
}

async function rate(url: string): Promise<number> {
  const start = performance.now();
  let left = requests;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const answer = await fetch(url, { method: 'POST', headers, body });
      const text = await answer.text();
      if (!text.includes('hello')) throw new Error(`The server answered ${text.slice(0, 200)}`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return requests / ((performance.now() - start) / 1_000);
}

/** `genie mcp serve --stdio` of the built packages: started, asked at once, ended after its first answer. */
async function firstLists(): Promise<number[]> {
  const main = await buildPackages();
  const home = mkdtempSync(path.join(tmpdir(), 'genie-bench-'));
  const identity = { format: 1, id: 'genie_bench', goal: 'Brief me', createdAt: 0 };
  writeFileSync(path.join(home, 'genie.json'), JSON.stringify(identity));
  const params = (JSON.parse(body) as { params: { _meta: unknown } }).params;
  const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: params._meta } });
  const times: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const start = performance.now();
    const child = spawn(process.execPath, [main, 'mcp', 'serve', '--home', home, '--stdio'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH ?? '', HOME: home },
    });
    child.stdin.write(`${request}\n`);
    const answer = await new Promise((resolve) => child.stdout.once('data', resolve));
    // The first start reads the files from disk for all others.
    if (round > 0) times.push(performance.now() - start);
    if (!String(answer).includes('genie_run')) throw new Error(`The server answered ${String(answer).slice(0, 200)}`);
    child.stdin.end();
    await new Promise((resolve) => child.once('exit', resolve));
  }
  rmSync(home, { recursive: true });
  return times;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
