import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { createSandbox } from '@genie/tools';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliFixture, createCliFixture } from '../testing/cli-fixture.ts';
import { type FeedServer, openFeedServer } from '../testing/feed-server.ts';

interface Call {
  readonly tool: string;
  readonly input: object;
}

/** A model server on loopback that makes one list of calls after the other, then says that it is done. */
async function openModelServer(steps: readonly (readonly Call[])[]) {
  const results: string[] = [];
  const server = createServer(async (request, response) => {
    const { messages } = (await json(request)) as { messages: { role: string; content?: unknown }[] };
    const told = messages.filter(({ role }) => role === 'tool').map(({ content }) => String(content));
    results.splice(0, results.length, ...told);
    const at = messages.filter(({ role }) => role === 'assistant').length;
    const calls = (steps[at] ?? []).map(({ tool, input }, index) => ({
      index,
      id: `call_${at}_${index}`,
      type: 'function',
      function: { name: tool, arguments: JSON.stringify(input) },
    }));
    const delta = calls.length > 0 ? { tool_calls: calls } : { content: '## Done\n\n- All of it.' };
    const choice = (more: object) =>
      `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'scripted', choices: [{ index: 0, ...more }] })}\n\n`;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(choice({ delta: { role: 'assistant', ...delta }, finish_reason: null }));
    response.end(`${choice({ delta: {}, finish_reason: calls.length > 0 ? 'tool_calls' : 'stop' })}data: [DONE]\n\n`);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    results,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

const sandbox = await probe();
let cli: CliFixture;
let feed: FeedServer;

beforeAll(async () => {
  cli = createCliFixture();
  feed = await openFeedServer(['Parser released', 'Scanner released']);
});
afterAll(async () => {
  await feed.close();
  cli.remove();
});

async function probe(): Promise<string | undefined> {
  const workspace = mkdtempSync(join(tmpdir(), 'genie-probe-'));
  try {
    await (await createSandbox({ workspace })).close();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

/** Written, checked, approved and installed by the commands for it. */
async function installPlugin(name: string): Promise<void> {
  const folder = join(cli.folder, `words-${name}`);
  for (const words of [
    ['plugin', 'new', 'words', '--to', folder],
    ['plugin', 'check', folder],
    ['plugin', 'add', name, folder, '--yes'],
  ])
    expect(await cli.inProcess(words)).toMatchObject({ code: 0 });
}

describe('genie run with hands', { timeout: 60_000 }, () => {
  it.skipIf(sandbox)(`uses shell, files, web, data and a plugin in one run ${sandbox ?? ''}`, async () => {
    const checkout = cli.checkout('repository', ['Add a parser', 'Fix the parser']);
    const model = await openModelServer([
      [
        { tool: 'read_feed', input: { url: feed.url } },
        { tool: 'git_log', input: { repository: checkout } },
        { tool: 'write_file', input: { path: 'numbers.csv', text: 'word,n\nlamp,3\ncarpet,4\n' } },
      ],
      [
        {
          tool: 'shell',
          input: {
            command: `id -u; wc -l < numbers.csv; echo "rug,5" >> numbers.csv; curl -sS -m 5 http://127.0.0.2:9/ ; ls ${cli.folder} 2>&1`,
          },
        },
      ],
      [
        { tool: 'query_data', input: { sql: 'SELECT sum(n) AS total FROM t', tables: { t: 'numbers.csv' } } },
        {
          tool: 'draw_chart',
          input: { sql: 'SELECT word, n FROM t', tables: { t: 'numbers.csv' }, title: 'Words' },
        },
        { tool: 'words_count_words', input: { text: 'a lamp and a lamp', top: 1 } },
      ],
    ]);
    const home = cli.home('hands', {
      goal: 'Do it',
      models: { planning: 'openai-compatible/scripted', execution: 'openai-compatible/scripted' },
      modelBaseUrl: model.baseUrl,
      planning: 'none',
      sources: [
        { kind: 'git', location: checkout },
        { kind: 'feed', location: feed.url },
      ],
      egress: { allow: [feed.address] },
      toolbox: { shell: { approval: 'never' }, files: true, data: true },
    });
    await installPlugin('hands');
    const { code, stderr } = await cli.genie(['run', 'hands', '--no-ask'], {
      environment: { OPENAI_COMPATIBLE_API_KEY: 'none', GENIE_TEST_SECRET: 'from the host' },
    });
    const [fed, logged, written, shell, total, chart, words] = model.results.map((text) => text);
    await model.close();
    expect(stderr).not.toContain('GENIE_');
    expect(code).toBe(0);
    expect(fed).toContain('Parser released');
    expect(logged).toContain('Fix the parser');
    expect(written).toContain('numbers.csv');
    expect(JSON.parse(shell ?? '{}')).toMatchObject({ stdout: expect.stringMatching(/^1000\n3\n/) });
    // The filter refuses the address, and the folder of the host is not there.
    expect(shell).toMatch(/blocked|refused|No such file/);
    expect(shell).toContain('No such file or directory');
    expect(shell).not.toContain('genie.json');
    expect(total).toContain('"total":"12"');
    expect(words).toContain('"count":2');
    const { artifact } = JSON.parse(chart ?? '{}') as { artifact: string };
    expect(artifact).toMatch(/^charts\//);
    expect(readFileSync(join(home, 'workspace/numbers.csv'), 'utf8')).toContain('rug,5');
    expect(existsSync(join(home, 'artifacts/objects'))).toBe(true);
  });

  it('goes on without a plugin whose files were changed after they were approved', async () => {
    const home = cli.home('changed', {
      goal: 'Brief me',
      sources: [{ kind: 'feed', location: feed.url }],
      egress: { allow: [feed.address] },
    });
    await installPlugin('changed');
    writeFileSync(join(home, 'plugins/words/package/more.js'), '// planted');
    const { openGenie } = await import('../../compose.ts');
    const warnings: string[] = [];
    await using open = await openGenie({
      home,
      environment: {},
      onWarning: ({ code, message }) => void warnings.push(`${code} ${message}`),
    });
    expect(warnings).toEqual([expect.stringMatching(/GENIE_PLUGIN_NOT_APPROVED .*without the plugin words/)]);
    expect(await open.genie.run().outcome).toMatchObject({ status: 'completed', reason: expect.any(String) });
  });

  it.each([
    [{ toolbox: { shell: { aproval: 'never' } } }, 'toolbox.shell'],
    [{ toolbox: { files: { maxFileMb: -1 } } }, 'toolbox.files'],
    [{ toolbox: { rocket: true } }, 'toolbox'],
    [{ plugins: [{ id: 'x' }] }, 'plugins.0'],
    [
      { plugins: [{ id: 'x', version: '1.0.0', folder: '../elsewhere', permissions: [], integrity: '' }] },
      'plugins.0.folder',
    ],
  ])('refuses %j and names the member', async (members, words) => {
    cli.home('wrong', members as never);
    expect(await cli.inProcess(['run', 'wrong'])).toMatchObject({ code: 1, stderr: expect.stringContaining(words) });
  });
});
