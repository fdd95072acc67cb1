import { execFileSync } from 'node:child_process';
import { runLoop } from '@genie/core/loop';
import { createVolatileEgress, scriptedModel } from '@genie/core/testing';
import { describe, expect, it } from 'vitest';
import { data } from '../data/data.ts';
import { files } from '../files/files.ts';
import { loadPlugin } from '../plugins/load-plugin.ts';
import { writePluginTemplate } from '../plugins/plugin-template.ts';
import { availability } from '../sandbox/testing/availability.ts';
import { shell } from '../shell/shell.ts';
import { createSourceTools } from '../sources/create-source-tools.ts';
import { localServer, page } from '../testing/local-server.ts';
import { memoryObjects } from '../testing/memory-objects.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { createToolbox } from './create-toolbox.ts';

describe.skipIf(!availability.sandbox)(`one run with every kind of tool ${availability.sandboxReason}`, () => {
  it('reads a page and a repository, computes in the shell, queries the result, writes a file and uses a plugin', async () => {
    using workspace = temporaryFolder();
    using repository = temporaryFolder();
    const git = (...command: string[]) =>
      execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...command], {
        cwd: repository.path,
      });
    git('init', '-q');
    repository.write('bridge.txt', 'stone\n');
    git('add', '-A');
    git('commit', '-q', '-m', 'Add the bridge');
    await using server = await localServer({ '/numbers': page('text/plain', '3 1 2') });
    using pluginHome = temporaryFolder();
    writePluginTemplate(`${pluginHome.path}/words`, 'words');
    await using plugin = await loadPlugin({ folder: `${pluginHome.path}/words`, permissions: [] });
    await using command = shell({ workspace: workspace.path, approval: 'never' });
    const tools = createToolbox(
      [
        createSourceTools({ roots: [repository.path], workspace: workspace.path }),
        files({ workspace: workspace.path, read: false }),
        data({ workspace: workspace.path }),
        command,
        plugin.tools,
      ],
      { artifacts: memoryObjects() },
    );
    const model = scriptedModel([
      {
        calls: [
          { tool: 'fetch_page', input: { url: `${server.url}/numbers` } },
          { tool: 'git_log', input: { repository: repository.path } },
        ],
      },
      {
        calls: [
          {
            tool: 'shell',
            input: { command: 'echo n > n.csv; for n in 3 1 2; do echo $n; done | sort >> n.csv; seq 1 30000' },
          },
        ],
      },
      {
        calls: [
          { tool: 'query_data', input: { sql: 'SELECT sum(n) AS total FROM numbers', tables: { numbers: 'n.csv' } } },
        ],
      },
      {
        calls: [
          { tool: 'write_file', input: { file: 'x', path: 'report.md', text: '# Total 6' } },
          { tool: 'words_count_words', input: { text: 'a lamp and a lamp', top: '1' } },
        ],
      },
      { text: 'Done.' },
    ]);
    const egress = createVolatileEgress({
      allow: [new URL(server.url).hostname],
      respond: (request) => fetch(request),
    });
    const run = runLoop({ model, tools, egress, prompt: 'Do it.' });
    const events: { type: string; tool?: string; output?: unknown; error?: unknown }[] = [];
    for await (const event of run) events.push(event as never);
    const outputs = Object.fromEntries(
      events.filter((event) => event.type === 'tool.completed').map((event) => [event.tool, event.output]),
    );
    expect(events.filter((event) => event.type === 'tool.failed').map((event) => [event.tool, event.error])).toEqual(
      [],
    );
    expect(outputs).toMatchObject({
      fetch_page: { items: [{ text: '3 1 2' }] },
      git_log: { items: [{ title: 'Add the bridge' }] },
      shell: { exitCode: 0, truncated: true, artifact: expect.stringContaining('tool-results/') },
      query_data: { rows: [{ total: '6' }] },
      write_file: { path: 'report.md' },
      words_count_words: { words: 5, top: [{ word: 'a', count: 2 }] },
    });
  });
});
