import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createIds, createMemoryApprovals, systemClock } from '@genie/core';
import { scriptedModel } from '@genie/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { callTool } from '../../testing/tool-context.ts';
import { connectMcp } from './connect-mcp.ts';
import type { ConnectMcpOptions } from './connect-options.ts';
import type { McpConnection } from './mcp-connection.ts';

const program = path.join(import.meta.dirname, '../../../../fixtures/mcp/hostile-server.ts');
const open: McpConnection[] = [];
afterEach(async () => {
  for (const connection of open.splice(0)) await connection.close();
});

async function connect(harm: string, options: Partial<ConnectMcpOptions> = {}, ...more: string[]) {
  const connection = await connectMcp({
    name: 'far',
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', program, harm, ...more],
    protocol: 'legacy',
    ...options,
  });
  open.push(connection);
  const act = (signal?: AbortSignal) =>
    callTool(connection.get('far__act') ?? expect.fail('no tool'), {}, signal ? { signal } : {});
  return { connection, act };
}

const approvalsOf = () => createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) });

describe('a server that', () => {
  it.each(['notifications', 'answers', 'noise'])(
    'floods with %s is cut off, says why, and is not asked again at once',
    async (harm) => {
      const errors: Error[] = [];
      const { connection, act } = await connect(harm, {
        maxMessagesPerSecond: 200,
        onError: (error) => errors.push(error),
      });
      const { pid = 0 } = connection;
      await expect(act()).rejects.toMatchObject({ code: 'GENIE_MCP_FLOOD' });
      await expect(act()).rejects.toMatchObject({ code: 'GENIE_MCP_UNAVAILABLE' });
      expect(() => process.kill(pid, 0)).toThrow('ESRCH');
      expect(errors.length).toBeLessThan(250);
    },
  );

  it('asks for sampling without end spends its budget, and its call ends; a new connection is no new budget', async () => {
    const model = scriptedModel(Array.from({ length: 20 }, () => ({ text: 'more' })));
    const { connection, act } = await connect('sampling', {
      model,
      maxSamplingPerMinute: 3,
      stallMs: 250,
      breakerOpenMs: 1,
    });
    const { pid } = connection;
    await expect(act()).rejects.toMatchObject({ code: 'GENIE_MCP_TIMEOUT' });
    expect(model.requests).toHaveLength(3);
    await expect.poll(() => act().catch((error: { code?: string }) => error.code)).toBe('GENIE_MCP_TIMEOUT');
    expect(connection.pid).not.toBe(pid);
    expect(model.requests).toHaveLength(3);
  });

  it('asks the user fifty questions at once gets four of them asked', async () => {
    const approvals = approvalsOf();
    const { act } = await connect('questions', { approvals, stallMs: 100 });
    const given = new AbortController();
    const call = act(given.signal).catch(() => undefined);
    await expect.poll(async () => (await approvals.list({ status: 'pending' })).length).toBe(4);
    given.abort();
    await call;
    expect(await approvals.list({})).toHaveLength(4);
  });

  it('sends what is no UTF-8 is read with replacements, and goes on to be used', async () => {
    const { act } = await connect('utf8');
    expect(await act()).toMatch(/^a\uFFFD+b$/);
    expect(await act()).toMatch(/^a\uFFFD+b$/);
  });

  it('answers something else than its schema says has a failed call', async () => {
    const { act } = await connect('lies');
    await expect(act()).rejects.toMatchObject({
      code: 'GENIE_MCP_RESULT',
      message: expect.stringContaining('/count must be integer'),
    });
  });

  it('offers schemas that cannot be used has those tools withheld, with the reason', async () => {
    const { connection, act } = await connect('schemas');
    expect(await act()).toBe('fine');
    expect(connection.list().map(({ name }) => name)).toEqual(['far__act']);
    expect(connection.withheld).toEqual([
      { name: 'invalid', reason: expect.stringContaining('must be equal to one of the allowed values') },
      { name: 'huge', reason: expect.stringContaining('131072 are accepted') },
      { name: 'badAnswer', reason: expect.stringContaining('Invalid regular expression') },
    ]);
  });

  it('answers with 200,000 nested arrays has a failed call and stays usable', async () => {
    const { connection, act } = await connect('deep');
    await expect(act()).rejects.toMatchObject({ code: 'GENIE_MCP_RESULT', message: expect.stringContaining('deeper') });
    expect(connection.isConnected).toBe(true);
  });

  it('answers with prototype keys, or names tools like them, reaches no prototype', async () => {
    const { act } = await connect('prototypes');
    expect(await act()).toEqual({ a: { b: 1 } });
    const { connection } = await connect('names');
    expect(connection.list().map(({ name }) => name)).toEqual(['far__act', 'far__constructor']);
    expect(connection.withheld.map(({ name }) => name)).toEqual(['__proto__']);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('sends 100 MB is stopped at the limit, and the call is not repeated', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'genie-bytes-'));
    const log = path.join(folder, 'sent');
    const { act } = await connect('bytes', { maxMessageBytes: 1024 * 1024 }, log);
    await expect(act()).rejects.toMatchObject({ code: 'GENIE_MCP_TOO_LARGE' });
    const sentMegabytes = existsSync(log) ? readFileSync(log, 'utf8').length : 0;
    rmSync(folder, { recursive: true });
    expect(sentMegabytes).toBeLessThan(20);
  });

  it('changes its tools all the time is looked at nevertheless, and asks the user about sixteen at most', async () => {
    const approvals = approvalsOf();
    const { connection, act } = await connect('changes', { approvals });
    const given = new AbortController();
    const call = act(given.signal).catch(() => undefined);
    await expect.poll(() => connection.withheld.length, { timeout: 5_000 }).toBe(40);
    await expect.poll(async () => (await approvals.list({ status: 'pending' })).length).toBe(16);
    given.abort();
    await call;
    expect(await approvals.list({})).toHaveLength(16);
  });
});
