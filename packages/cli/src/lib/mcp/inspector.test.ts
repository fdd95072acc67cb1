import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliFixture, createCliFixture } from '../testing/cli-fixture.ts';

/** The command line of the official inspector. It reads its own name relative to the folder it runs in. */
const build = join(
  import.meta.dirname,
  '../../../../../tooling/mcp-servers/node_modules/@modelcontextprotocol/inspector-cli/build',
);
const isInstalled = existsSync(build);
if (!isInstalled) console.log('skipped: the inspector against genie mcp serve, tooling/mcp-servers is not installed');
const main = join(import.meta.dirname, '../../main.ts');

describe.skipIf(!isInstalled)('the official inspector', () => {
  let cli: CliFixture;
  let home: string;
  const inspect = async (...method: readonly string[]) => {
    const server = [process.execPath, '--conditions=@genie/source', '--disable-warning=ExperimentalWarning', main];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['index.js', ...server, 'mcp', 'serve', '--home', home, '--stdio', '--method', ...method],
      { cwd: build, env: { PATH: process.env.PATH, HOME: cli.folder } },
    );
    return JSON.parse(stdout);
  };

  beforeAll(() => {
    cli = createCliFixture();
    const notes = join(cli.folder, 'notes');
    mkdirSync(notes);
    writeFileSync(join(notes, 'bridge.md'), 'The harbour bridge opens on Friday.\n');
    home = cli.home('news', { sources: [{ kind: 'folder', location: notes }] });
  });
  afterAll(() => cli.remove());

  it('lists the tools of a genie and drives it to a briefing', async () => {
    const [{ tools }, { structuredContent }] = await Promise.all([
      inspect('tools/list'),
      inspect('tools/call', '--tool-name', 'genie_run'),
    ]);
    expect(tools.map((tool: { name: string }) => tool.name)).toContain('genie_run');
    expect(structuredContent).toMatchObject({
      status: 'completed',
      briefing: expect.stringContaining('harbour bridge'),
    });
  }, 60_000);
});
