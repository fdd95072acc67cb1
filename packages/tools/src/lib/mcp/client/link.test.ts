import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callTool } from '../../testing/tool-context.ts';
import { connectMcp } from './connect-mcp.ts';
import { type SpawnProcess, spawnProcess } from './owned-process.ts';

/** Starts slowly, never answers a call of `hang`, and refuses to list its tools as often as it is told. */
const slow = `
const { createInterface } = require('node:readline');
const { appendFileSync, readFileSync } = require('node:fs');
const [startMs, refusals, log] = process.argv.slice(1);
appendFileSync(log, '.');
const starts = readFileSync(log, 'utf8').length;
const answer = ({ method, params }) => {
  if (method === 'initialize') return { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'slow', version: '1' } };
  if (method === 'tools/list') return { tools: ['hang', 'echo'].map((name) => ({ name, inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } })) };
  if (params.name === 'echo') return { content: [{ type: 'text', text: 'again' }] };
};
setInterval(() => undefined, 1_000);
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined || params?.name === 'hang') return;
  const refused = method === 'tools/list' && starts <= Number(refusals);
  const message = refused ? { error: { code: -32603, message: 'not now' } } : { result: answer({ method, params }) };
  setTimeout(() => console.log(JSON.stringify({ jsonrpc: '2.0', id, ...message })), method === 'initialize' && starts > 1 ? Number(startMs) : 0);
});
`;

const patient = { timeout: 20_000 };

/** Counts what was started. */
function counting() {
  const children: ChildProcess[] = [];
  const spawn: SpawnProcess = (command) => {
    const owned = spawnProcess(command);
    children.push(owned.child);
    return owned;
  };
  const running = () => children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null).length;
  return { children, running, spawn };
}

const connect = (spawn: SpawnProcess, log: string, { startMs = 0, refusals = 0 } = {}) =>
  connectMcp({
    name: 'slow',
    command: process.execPath,
    args: ['-e', slow, String(startMs), String(refusals), log],
    spawn,
    protocol: 'legacy',
    stallMs: 1_500,
    breakerOpenMs: 20,
  });

describe('a connection', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'genie-link-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('has one process, also when one call gives up while another opens it anew', async () => {
    const { running, spawn } = counting();
    const connection = await connect(spawn, join(folder, 'starts'), { startMs: 900 });
    const act = (name: string) => callTool(connection.get(`slow__${name}`) ?? expect.fail(name), {});
    const first = act('hang');
    await sleep(400);
    // Gives up 400 ms after the first: the next connection is being opened then.
    const second = act('hang').catch((error: { readonly code?: string }) => error.code);
    await expect(first).rejects.toMatchObject({ code: 'GENIE_MCP_TIMEOUT' });
    await expect.poll(() => act('echo'), patient).toBe('again');
    expect(await second).toBe('GENIE_MCP_TIMEOUT');
    await expect.poll(() => act('echo'), patient).toBe('again');
    await expect.poll(running, patient).toBe(1);
    await connection.close();
    expect(running()).toBe(0);
  }, 60_000);

  it('ends the process that could not be read before it starts another', async () => {
    const { children, running, spawn } = counting();
    const connection = await connect(spawn, join(folder, 'starts'), { refusals: 1 });
    expect([children.length, running()]).toEqual([2, 1]);
    await connection.close();
    expect(running()).toBe(0);
  }, 60_000);

  it('ends the process that is still starting when it is closed', async () => {
    const { children, running, spawn } = counting();
    const connection = await connect(spawn, join(folder, 'starts'), { startMs: 5_000 });
    process.kill(connection.pid ?? 0, 'SIGKILL');
    await expect.poll(() => connection.isConnected, patient).toBe(false);
    const call = callTool(connection.get('slow__echo') ?? expect.fail('echo'), {}).catch((error: unknown) => error);
    await expect.poll(() => children.length, patient).toBe(2);
    await connection.close();
    expect(running()).toBe(0);
    expect(await call).toMatchObject({ code: 'GENIE_MCP_CLOSED' });
  }, 60_000);
});
