import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliFixture, createCliFixture } from '../testing/cli-fixture.ts';

/** Writes what it is called with into a file beside it. */
const program = `
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
const tool = (name, more = {}) => ({ name, description: name, inputSchema: { type: 'object' }, annotations: { readOnlyHint: true }, ...more });
const tools = [
  tool('status'), tool('denied'), tool('asked'), tool('left_out'), tool('broken'),
  tool('find', { inputSchema: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] } }),
  tool('erase', { annotations: {} }),
];
const answer = ({ method, params }) => {
  if (method === 'initialize') return { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'far', version: '1' } };
  if (method === 'tools/list') return { tools };
  if (method !== 'tools/call') return {};
  appendFileSync(new URL('calls', import.meta.url), params.name + ' ');
  return { content: [{ type: 'text', text: 'all \\u001b[2Jis well ' + process.env.TOKEN }], isError: params.name === 'broken' };
};
createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  if (message.id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: answer(message) }));
});
`;

describe('genie mcp explore', () => {
  let cli: CliFixture;
  let home: string;
  const environment = { MY_TOKEN: 'hunter2-"and"-more' };
  beforeAll(() => {
    cli = createCliFixture();
    const script = join(cli.folder, 'server.mjs');
    writeFileSync(script, program);
    const tools = ['status', 'denied', 'asked', 'broken', 'find', 'erase'];
    home = cli.home('news', {
      mcp: {
        far: { command: [process.execPath, script], sandbox: false, tools, env: { TOKEN: 'MY_TOKEN' } },
        gone: { command: [process.execPath, join(cli.folder, 'missing.mjs')], sandbox: false },
      },
      toolPolicy: { far__denied: 'deny', far__asked: 'ask' },
    });
  });
  afterAll(() => cli.remove());

  it('calls what only reads within the rules of the genie, shows it plainly and keeps it', async () => {
    const { code, stdout, stderr } = await cli.inProcess(['mcp', 'explore', 'news', 'far'], { environment });
    expect(code, stderr).toBe(0);
    expect(readFileSync(join(cli.folder, 'calls'), 'utf8')).toBe('status broken ');
    expect(stdout).toMatch(/✓ +far__status +\d+ ms, \d+ bytes +all is well \[secret\]/);
    expect(stdout).toMatch(/✗ +far__broken +GENIE_MCP_TOOL_FAILED/);
    expect(stdout).toMatch(/- +far__asked +asks you first/);
    expect(stdout).toMatch(/- +far__find +needs query/);
    expect(stdout).toMatch(/- +far__erase +may change something/);
    expect(stdout).not.toMatch(/left_out|denied/);
    expect(stdout).not.toContain('\u001b');
    expect(stderr).toContain('far__status answers');
    const file = join(home, 'mcp', 'explored.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8') + stdout).not.toContain('hunter2');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      version: 1,
      servers: { far: { tools: [{ tool: 'far__status', outcome: 'answers' }, {}, {}, {}, {}] } },
    });
  });

  it('explores the other servers when one cannot be used', async () => {
    const { code, stdout } = await cli.inProcess(['mcp', 'explore', 'news', '--calls', '1', '--json'], { environment });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      servers: [
        { name: 'far', tools: expect.any(Array) },
        { name: 'gone', error: { code: 'GENIE_MCP_UNREACHABLE' } },
      ],
    });
  });

  it('names the servers that there are', async () => {
    const { code, stderr } = await cli.inProcess(['mcp', 'explore', 'news', 'fra']);
    expect(code).toBe(2);
    expect(stderr).toContain('Known: far, gone');
  });
});
