import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeOwnedFolder, removeAbandoned } from './owned-folder.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

describe.runIf(process.platform === 'linux')('removeAbandoned', () => {
  it('removes what a killed process left, and nothing of one that lives', async () => {
    using parent = temporaryFolder();
    using elsewhere = temporaryFolder();
    const program = `
      const { makeOwnedFolder } = await import(${JSON.stringify(new URL('./owned-folder.ts', import.meta.url).href)});
      console.log(makeOwnedFolder('sandbox', ${JSON.stringify(parent.path)}));
      setInterval(() => undefined, 1000);`;
    const other = spawn(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      program,
    ]);
    const left = await new Promise<string>((resolve) =>
      other.stdout.once('data', (line) => resolve(String(line).trim())),
    );
    writeFileSync(join(left, 'filter'), 'x');
    const own = makeOwnedFolder('sandbox', parent.path);
    removeAbandoned('sandbox', parent.path);
    expect([existsSync(left), existsSync(own)]).toEqual([true, true]);
    other.kill('SIGKILL');
    await new Promise((resolve) => other.once('exit', resolve));
    // The link has the name of such a folder; what it leads to is somebody else's.
    const kept = elsewhere.write('kept', 'x');
    const [, pid = '', space = '', start = ''] = /sandbox-(\d+)-(\d+)-(\d+)-/.exec(left) ?? [];
    symlinkSync(elsewhere.path, join(parent.path, `genie-sandbox-${pid}-${space}-${start}-abcdef`));
    const others = [
      `genie-sandbox-${pid}-1-${start}-abcdef`,
      `genie-other-${pid}-${space}-${start}-abcdef`,
      'genie-sandbox-abcdef',
    ];
    for (const name of others) mkdirSync(join(parent.path, name));
    removeAbandoned('sandbox', parent.path);
    expect(existsSync(left)).toBe(false);
    expect(existsSync(own)).toBe(true);
    expect(existsSync(kept)).toBe(true);
    for (const name of others) expect(readdirSync(parent.path)).toContain(name);
  });

  it('does not take a new process with an old number for the owner', () => {
    using parent = temporaryFolder();
    const own = makeOwnedFolder('sandbox', parent.path);
    const old = own.replace(/-\d+-(\w{6})$/, '-1-$1');
    execFileSync('mv', [own, old]);
    removeAbandoned('sandbox', parent.path);
    expect(existsSync(old)).toBe(false);
  });
});
