import { createIds, createMemoryApprovals, systemClock } from '@genie/core';
import { afterEach, describe, expect, it } from 'vitest';
import { connectMcp } from '../client/connect-mcp.ts';
import { createMemoryMcpStore } from '../client/mcp-store.ts';
import { errorResult, textResult } from '../content.ts';
import { serveMcp } from '../serve/serve-mcp.ts';
import { createMcpServer } from '../server/create-mcp-server.ts';
import type { McpTool } from '../server/mcp-tool.ts';
import { type ExploreServerOptions, exploreServer } from './explore-server.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.close();
});

const none = { type: 'object', properties: {} } as const;

function fixture() {
  const calls: string[] = [];
  const tool = (name: string, more: Partial<McpTool> = {}): McpTool => ({
    name,
    description: `Does ${name}.`,
    inputSchema: none,
    hints: { readOnlyHint: true },
    ...more,
    run: async (input, context) => {
      calls.push(name);
      return (await more.run?.(input, context)) ?? textResult(name);
    },
  });
  return { calls, tool };
}

async function connect(tools: readonly McpTool[], options: Partial<Parameters<typeof connectMcp>[0]> = {}) {
  const server = createMcpServer({ name: 'test', version: '1.0.0', tools: [...tools] });
  const serving = await serveMcp(server, { http: { port: 0 } });
  open.push(server, serving);
  const connection = await connectMcp({ name: 'far', url: serving.url ?? '', ...options });
  open.push(connection);
  return { server, connection };
}

/** Without the tools for documents, which this server's connection has as well. */
const explore = ({ connection, ...options }: ExploreServerOptions) => {
  const isOwn = ({ name }: { readonly name: string }): boolean => !/_resources?$|_prompt$/.test(name);
  return exploreServer({ tools: { list: () => connection.list().filter(isOwn) }, connection, ...options });
};

const hang = () => new Promise<never>(() => undefined);

describe('exploreServer', () => {
  it('calls what only reads and needs no guess, once, and tells what each tool did', async () => {
    const { calls, tool } = fixture();
    const filled = { kind: { const: 'all' }, order: { enum: ['up'] }, most: { type: 'integer', default: 3 } };
    const { connection } = await connect([
      tool('status', { run: () => textResult('all is well') }),
      tool('fails', { run: () => errorResult('no such table') }),
      tool('huge', { run: () => textResult('ä'.repeat(100_000)) }),
      tool('filled', {
        inputSchema: { type: 'object', properties: filled, required: Object.keys(filled) },
        run: (input) => textResult(JSON.stringify(input)),
      }),
      tool('optional', { inputSchema: { type: 'object', properties: { query: { type: 'string' } } } }),
      tool('needs', {
        inputSchema: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
      }),
      tool('some', { inputSchema: { type: 'object', minProperties: 1 } }),
      tool('writes', { hints: {} }),
      tool('destroys', { hints: { readOnlyHint: true, destructiveHint: true } }),
    ]);
    const told: string[] = [];
    const { tools } = await explore({ connection, onTool: (one) => told.push(one.tool) });
    expect(calls).toEqual(['status', 'fails', 'huge', 'filled', 'optional']);
    const called = { at: expect.any(Number), tookMs: expect.any(Number) };
    expect(tools).toEqual([
      { tool: 'far__status', outcome: 'answers', ...called, sizeBytes: 11, sample: 'all is well' },
      {
        tool: 'far__fails',
        outcome: 'fails',
        ...called,
        code: 'GENIE_MCP_TOOL_FAILED',
        sample: expect.stringContaining('no such table'),
      },
      { tool: 'far__huge', outcome: 'answers', ...called, sizeBytes: 200_000, sample: 'ä'.repeat(500) },
      {
        tool: 'far__filled',
        outcome: 'answers',
        ...called,
        sizeBytes: 36,
        sample: '{"kind":"all","order":"up","most":3}',
      },
      { tool: 'far__optional', outcome: 'answers', ...called, sizeBytes: 8, sample: 'optional' },
      { tool: 'far__needs', outcome: 'skipped', why: 'needs-arguments', needs: ['query'] },
      { tool: 'far__some', outcome: 'skipped', why: 'needs-arguments' },
      { tool: 'far__writes', outcome: 'skipped', why: 'not-read-only' },
      { tool: 'far__destroys', outcome: 'skipped', why: 'not-read-only' },
    ]);
    expect(told).toEqual(tools.map((one) => one.tool));
  });

  it('keeps nothing of what must not be kept, also where the sample is cut', async () => {
    const { tool } = fixture();
    const { connection } = await connect([
      tool('environment', { run: () => textResult(`TOKEN=hunter2-and-more`) }),
      tool('fails', { run: () => errorResult('hunter2-and-more is no key') }),
    ]);
    const redact = (text: string): string => text.replaceAll('hunter2-and-more', '[secret]');
    const found = await explore({ connection, redact, budget: { sampleBytes: 12 } });
    expect(found.tools).toMatchObject([
      { outcome: 'answers', sample: 'TOKEN=[secre' },
      { outcome: 'fails', sample: expect.not.stringContaining('hunter2') },
    ]);
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  it('stays within its calls; the next time begins with what was left out and keeps what is known', async () => {
    const { calls, tool } = fixture();
    const { connection } = await connect(['a', 'b', 'c'].map((name) => tool(name)));
    const first = await explore({ connection, budget: { calls: 2 } });
    expect(first.tools.at(-1)).toEqual({ tool: 'far__c', outcome: 'skipped', why: 'budget' });
    const second = await explore({ connection, budget: { calls: 1 }, earlier: first });
    expect(calls).toEqual(['a', 'b', 'c']);
    expect(second.tools.map(({ tool: name, outcome }) => `${name} ${outcome}`)).toEqual([
      'far__a answers',
      'far__b answers',
      'far__c answers',
    ]);
  });

  it('stays within its time, also when a tool never answers', async () => {
    const { calls, tool } = fixture();
    const { connection } = await connect([tool('hangs', { run: hang }), tool('next')]);
    const { tools } = await explore({ connection, budget: { timeMs: 200 } });
    expect(tools).toMatchObject([
      { outcome: 'fails', code: 'GENIE_MCP_TIMEOUT' },
      { outcome: 'skipped', why: 'budget' },
    ]);
    expect(calls).toEqual(['hangs']);
  });

  it('asks a server no more once its breaker opened', async () => {
    const { calls, tool } = fixture();
    const { connection } = await connect([tool('hangs', { run: hang }), tool('next')], {
      stallMs: 200,
      breakerOpenMs: 5_000,
    });
    const { tools } = await explore({ connection });
    expect(tools).toMatchObject([
      { outcome: 'fails', code: 'GENIE_MCP_TIMEOUT' },
      { outcome: 'skipped', why: 'unavailable' },
    ]);
    expect(calls).toEqual(['hangs']);
  });

  it('ends when it is stopped and gives what was learnt', async () => {
    const { calls, tool } = fixture();
    const { connection } = await connect([tool('answers'), tool('hangs', { run: hang }), tool('next')]);
    const stop = new AbortController();
    const exploring = explore({ connection, signal: stop.signal });
    await expect.poll(() => calls).toEqual(['answers', 'hangs']);
    stop.abort();
    expect((await exploring).tools).toMatchObject([
      { outcome: 'answers' },
      { outcome: 'skipped', why: 'stopped' },
      { outcome: 'skipped', why: 'stopped' },
    ]);
    expect(calls).toEqual(['answers', 'hangs']);
    const again = await explore({ connection, signal: stop.signal, earlier: await exploring });
    expect(again.tools[0]).toMatchObject({ outcome: 'answers' });
  });

  it('does not call what the user has not accepted, wants to be asked about, or leaves out', async () => {
    const { calls, tool } = fixture();
    const approvals = createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) });
    const { server, connection } = await connect(
      ['changed', 'asked', 'left'].map((name) => tool(name)),
      { approvals, store: createMemoryMcpStore() },
    );
    server.addTool(tool('changed', { description: 'Sends everything away.' }));
    await connection.refresh();
    const asked = connection.get('far__asked');
    const tools = { list: () => (asked ? [{ ...asked, approval: 'always' as const }] : []) };
    expect((await explore({ connection, tools })).tools).toEqual([
      { tool: 'far__asked', outcome: 'skipped', why: 'asks-first' },
      { tool: 'far__changed', outcome: 'skipped', why: 'withheld' },
    ]);
    expect(calls).toEqual([]);
  });

  it('refuses a budget that is none', async () => {
    const { connection } = await connect([]);
    await expect(explore({ connection, budget: { calls: 0 } })).rejects.toThrow('"budget.calls" is 0');
  });
});
