import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killWhileStarting } from '../../sandbox/testing/kill-while-starting.ts';
import { callTool } from '../../testing/tool-context.ts';
import { connectMcp, type McpConnection } from '../client/connect-mcp.ts';
import { openMcpSandbox } from './mcp-sandbox.ts';

/** A server of nothing but Node, which does on request what a hostile one would do by itself. */
const hostile = `
import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
const acts = {
  read: ({ path }) => readFileSync(path, 'utf8'),
  link: ({ path }) => readlinkSync(path),
  write: ({ path }) => writeFileSync(path, 'written') ?? 'written',
  environment: () => JSON.stringify(process.env),
  reach: ({ port }) => new Promise((resolve) => connect(Number(port), '127.0.0.1')
    .on('connect', () => resolve('reached')).on('error', (error) => resolve(error.code))),
  leave: () => (spawn('/bin/sh', ['-c', 'exec sleep 987.${process.pid}'], { detached: true, stdio: 'ignore' }).unref(), 'left'),
};
const answer = async ({ method, params }) => {
  if (method === 'initialize') return { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'hostile', version: '1' } };
  if (method === 'tools/list') return { tools: Object.keys(acts).map((name) => ({ name, inputSchema: { type: 'object' } })) };
  try { return { content: [{ type: 'text', text: String(await acts[params.name](params.arguments ?? {})) }] }; }
  catch (error) { return { content: [{ type: 'text', text: error.code ?? String(error) }], isError: true }; }
};
createInterface({ input: process.stdin }).on('line', async (line) => {
  const message = JSON.parse(line);
  if (message.id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: await answer(message) }));
});
`;

const node = ['/usr/bin/node', '/usr/local/bin/node'].find((file) => existsSync(file)) ?? process.execPath;
const isRoot = process.getuid?.() === 0;
/** Grants that the program itself needs. */
const own = node.startsWith('/usr/') ? [] : [node];
const hasSandbox =
  process.platform === 'linux' && ['/usr/bin/bwrap', '/usr/local/bin/bwrap'].some((file) => existsSync(file));
if (!hasSandbox) console.log('skipped: openMcpSandbox needs bubblewrap, which is not installed here');

describe.skipIf(!hasSandbox)('openMcpSandbox', () => {
  let folder: string;
  let connection: McpConnection;
  let sandbox: Awaited<ReturnType<typeof openMcpSandbox>>;

  beforeEach(async () => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'genie-mcp-sandbox-')));
    // Another user gets here when the tests run as root.
    for (const name of ['program', 'shared', 'home']) mkdirSync(path.join(folder, name), { recursive: true });
    writeFileSync(path.join(folder, 'home', 'secret'), 'secret');
    writeFileSync(path.join(folder, 'shared', 'note'), 'hello');
    writeFileSync(path.join(folder, 'program', 'server.mjs'), hostile);
    chmodSync(folder, 0o755);
    sandbox = await openMcpSandbox({
      workspace: path.join(folder, 'workspace'),
      readOnly: [path.join(folder, 'program'), path.join(folder, 'shared'), ...own],
    });
    connection = await connectMcp({
      name: 'far',
      command: node,
      args: [path.join(folder, 'program', 'server.mjs')],
      env: { TOKEN: 'given' },
      spawn: sandbox.spawn,
      protocol: 'legacy',
    });
  });
  afterEach(async () => {
    await connection.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const act = (name: string, input: object = {}) => {
    const tool = connection.get(`far__${name}`);
    if (!tool) throw new Error(`no tool ${name}`);
    return callTool(tool, input);
  };

  it('shows the server its own folder and what it was granted, nothing else', async () => {
    expect(await act('read', { path: path.join(folder, 'shared', 'note') })).toBe('hello');
    await expect(act('read', { path: path.join(folder, 'home', 'secret') })).rejects.toThrow('ENOENT');
    await expect(act('read', { path: '/etc/shadow' })).rejects.toThrow('ENOENT');
    expect(await act('write', { path: '/workspace/own' })).toBe('written');
    expect(readFileSync(path.join(folder, 'workspace', 'own'), 'utf8')).toBe('written');
    await expect(act('write', { path: path.join(folder, 'shared', 'note') })).rejects.toThrow('EROFS');
  });

  it('gives it no network and only the environment that was meant for it', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    expect(await act('reach', { port: (listener.address() as AddressInfo).port })).toBe('ECONNREFUSED');
    listener.close();
    const environment = JSON.parse(String(await act('environment'))) as Record<string, string>;
    expect(Object.keys(environment).sort()).toEqual(['HOME', 'LANG', 'PATH', 'PWD', 'TMPDIR', 'TOKEN']);
  });

  it('ends what the server left behind, also when the server itself is killed', async () => {
    const left = () =>
      readdirSync('/proc').filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`987.${process.pid}`);
        } catch {
          return false;
        }
      });
    expect(await act('leave')).toBe('left');
    await expect.poll(() => left().length).toBeGreaterThan(0);
    process.kill(connection.pid ?? 0, 'SIGKILL');
    await expect.poll(() => connection.isConnected).toBe(false);
    await expect.poll(() => left()).toEqual([]);
    expect(await act('leave')).toBe('left');
    await connection.close();
    await expect.poll(() => left()).toEqual([]);
  });

  it('enters the network it is given, also one that root holds, and keeps no rights from that', async () => {
    const holder = spawn('unshare', [...(isRoot ? [] : ['-Ur']), '-n', 'sh', '-c', 'echo ready; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      await once(holder.stdout, 'data');
      const spaces = `/proc/${holder.pid}/ns`;
      const user = isRoot ? [] : [`--user=${spaces}/user`, '--preserve-credentials'];
      const lent = await openMcpSandbox({
        workspace: path.join(folder, 'workspace'),
        readOnly: [path.join(folder, 'program'), ...own],
        network: {
          enter: ['/usr/bin/nsenter', ...user, `--net=${spaces}/net`],
          environment: { HTTP_PROXY: 'http://127.0.0.1:3128' },
          grade: 'contained',
        },
      });
      await using far = await connectMcp({
        name: 'far',
        command: node,
        args: [path.join(folder, 'program', 'server.mjs')],
        spawn: lent.spawn,
        protocol: 'legacy',
      });
      const ask = (name: string, input: object = {}) => callTool(far.get(`far__${name}`) ?? expect.fail(name), input);
      expect(await ask('link', { path: '/proc/self/ns/net' })).toBe(readlinkSync(`${spaces}/net`));
      expect(String(await ask('environment'))).toContain('http://127.0.0.1:3128');
      expect(String(await ask('read', { path: '/proc/self/status' }))).toMatch(/CapPrm:\t0+\nCapEff:\t0+\n/);
    } finally {
      holder.kill('SIGKILL');
    }
  });

  it('leaves nothing running when the runtime is killed while servers start', async () => {
    const workspace = path.join(folder, 'hasty');
    mkdirSync(workspace);
    // One that comes when the runtime is long gone: the kernel would tell it nothing any more.
    const late = path.join(folder, 'late-bwrap');
    const bwrap = ['/usr/bin/bwrap', '/usr/local/bin/bwrap'].find((file) => existsSync(file));
    writeFileSync(late, `#!/bin/sh\nsleep 0.5\nexec ${bwrap} "$@"\n`, { mode: 0o755 });
    for (const [round, how] of [{ afterMs: 6 }, { afterMs: 20 }, { afterMs: 300, program: late }].entries()) {
      const mark = `${60_000 + process.pid}.${round}25`;
      expect(await killWhileStarting(workspace, { mark, starts: 'servers', ...how })).toBe(0);
    }
  }, 60_000);

  // The home of a runtime that is root lies where only root may enter.
  it.skipIf(!isRoot)('works below a folder that only root may enter', async () => {
    chmodSync(folder, 0o700);
    const hidden = await openMcpSandbox({
      workspace: path.join(folder, 'hidden'),
      readOnly: [path.join(folder, 'program'), path.join(folder, 'shared', 'note'), ...own],
      writable: [path.join(folder, 'home')],
    });
    await using far = await connectMcp({
      name: 'far',
      command: node,
      args: [path.join(folder, 'program', 'server.mjs')],
      spawn: hidden.spawn,
      protocol: 'legacy',
    });
    const ask = (name: string, input: object = {}) => callTool(far.get(`far__${name}`) ?? expect.fail(name), input);
    expect(await ask('read', { path: path.join(folder, 'shared', 'note') })).toBe('hello');
    expect(await ask('write', { path: '/workspace/own' })).toBe('written');
    expect(readFileSync(path.join(folder, 'hidden', 'own'), 'utf8')).toBe('written');
    expect(await ask('read', { path: path.join(folder, 'home', 'secret') })).toBe('secret');
    await expect(ask('read', { path: path.join(folder, 'shared', 'other') })).rejects.toThrow('ENOENT');
    await expect(ask('write', { path: path.join(folder, 'shared', 'note') })).rejects.toThrow('EROFS');
    expect(String(await ask('read', { path: '/proc/self/status' }))).toMatch(/CapEff:\t0+\n/);
    expect(JSON.parse(String(await ask('environment')))).not.toHaveProperty('OLDPWD');
  });

  it('refuses grants that mean nothing', async () => {
    const workspace = path.join(folder, 'workspace');
    for (const grant of ['relative', '/', path.join(folder, 'missing')])
      await expect(openMcpSandbox({ workspace, readOnly: [grant] })).rejects.toMatchObject({
        code: 'GENIE_OPTIONS_INVALID',
      });
  });
});
