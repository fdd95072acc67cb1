import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { availability } from '../sandbox/testing/availability.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { callTool } from '../testing/tool-context.ts';
import { plantedFiles } from './planted-files.ts';
import { shell } from './shell.ts';

describe('shell', () => {
  it('fails, and runs nothing, when there is no sandbox', async () => {
    using workspace = temporaryFolder();
    await using tool = shell({ workspace: workspace.path, program: '/no/bwrap' });
    await expect(callTool(tool, { command: 'touch ran' })).rejects.toMatchObject({ code: 'GENIE_SANDBOX_UNAVAILABLE' });
    expect(plantedFiles(workspace.path)).toEqual([]);
  });

  it('asks the user at first use, unless told otherwise', () => {
    expect(shell({ workspace: '/somewhere/else' })).toMatchObject({
      name: 'shell',
      effect: 'once',
      permissions: ['shell'],
      approval: 'first-use',
    });
  });

  it.skipIf(!availability.sandbox)('runs a script in the workspace', async () => {
    using workspace = temporaryFolder();
    await using tool = shell({ workspace: workspace.path, environment: { WHO: 'world' } });
    expect(
      await callTool(tool, { command: 'echo "hello $WHO" | tee greeting; cat; exit 3', stdin: 'input' }),
    ).toMatchObject({ exitCode: 3, stdout: 'hello world\ninput', stderr: '', truncated: false });
    expect(readFileSync(join(workspace.path, 'greeting'), 'utf8')).toBe('hello world\n');
    expect(await callTool(tool, { command: 'sleep 60', timeoutMs: 200 })).toMatchObject({ killedBy: 'timeout' });
  });

  it.skipIf(!availability.sandbox)('shows files that run code later', async () => {
    using workspace = temporaryFolder();
    mkdirSync(join(workspace.path, '.github/workflows'), { recursive: true });
    workspace.write('.github/workflows/old.yml', 'old');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await using tool = shell({ workspace: workspace.path });
    const result = (await callTool(tool, {
      command:
        'mkdir -p .git/hooks .vscode; echo x > .git/hooks/pre-commit; echo x > .git/hooks/update.sample; echo x > .VSCODE; echo {} > .vscode/tasks.json; echo x > .envrc',
    })) as { planted: { path: string }[] };
    expect(result.planted.map((file) => file.path).sort()).toEqual([
      '.envrc',
      '.git/hooks/pre-commit',
      '.vscode/tasks.json',
    ]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await callTool(tool, { command: 'echo nothing' })).not.toHaveProperty('planted');
    expect(plantedFiles(workspace.path)).toHaveLength(4);
  });
});
