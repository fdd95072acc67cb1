import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRoots } from '../confine/roots.ts';
import type { SourceOutput } from '../sources/source-output.ts';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.ts';
import { callTool } from '../testing/tool-context.ts';
import { gitLog } from './git-log.ts';

function git(folder: string, ...command: string[]): string {
  const identity = {
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
  return execFileSync('git', command, {
    cwd: folder,
    env: { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', HOME: folder, ...identity },
    encoding: 'utf8',
  }).trim();
}

function commit(folder: TemporaryFolder, name: string, content: string | Uint8Array, message: string): string {
  folder.write(name, content);
  git(folder.path, 'add', '-A');
  git(folder.path, 'commit', '-q', '-m', message);
  return git(folder.path, 'rev-parse', 'HEAD');
}

function repository(): TemporaryFolder {
  const folder = temporaryFolder();
  git(folder.path, 'init', '-q', '-b', 'main');
  return folder;
}

const read = (folder: string, input: object = {}) =>
  callTool(gitLog(createRoots({ roots: [folder] })), { repository: folder, ...input }) as Promise<SourceOutput>;

describe('git_log', () => {
  it('gives commits newest first with message, changed files and a cursor', async () => {
    using folder = repository();
    commit(folder, 'a.txt', 'one\ntwo\n', 'Add a\n\nBecause it was missing.');
    commit(folder, 'image.bin', new Uint8Array([0, 1, 2, 0]), 'Add an image');
    git(folder.path, 'mv', 'a.txt', 'b name.txt');
    const head = commit(folder, 'c.txt', 'c\n', 'Rename a');
    const result = await read(folder.path);
    expect(result.cursor).toBe(head);
    expect(result.source).toEqual({ kind: 'git', location: folder.path });
    expect(result.items.map((item) => item.title)).toEqual(['Rename a', 'Add an image', 'Add a']);
    expect(result.items[0]?.text).toBe('a.txt -> b name.txt (+0 -0)\nc.txt (+1 -0)');
    expect(result.items[1]?.text).toBe('image.bin (binary)');
    expect(result.items[2]?.text).toBe('Because it was missing.\n\na.txt (+2 -0)');
    expect(result.items[0]).toMatchObject({
      id: head,
      author: 'Ada',
      location: `${folder.path}@${git(folder.path, 'rev-parse', '--short', 'HEAD')}`,
    });
    expect(Number.isNaN(Date.parse(result.items[0]?.date ?? ''))).toBe(false);
    expect(result.truncated).toBeUndefined();
  });

  it('gives only what came after the cursor, and nothing when nothing did', async () => {
    using folder = repository();
    const first = commit(folder, 'a.txt', '1', 'First');
    const second = commit(folder, 'a.txt', '2', 'Second');
    expect((await read(folder.path, { since: first })).items.map((item) => item.id)).toEqual([second]);
    expect((await read(folder.path, { since: second })).items).toEqual([]);
  });

  it('says when there is more than the limit', async () => {
    using folder = repository();
    for (const name of ['1', '2', '3']) commit(folder, name, name, name);
    const result = await read(folder.path, { limit: 2 });
    expect(result.items.map((item) => item.title)).toEqual(['3', '2']);
    expect(result.truncated).toBe(true);
  });

  it('falls back to the newest commits, and says so, when the cursor left the history or was never in it', async () => {
    using folder = repository();
    commit(folder, 'a.txt', '1', 'First');
    const dropped = commit(folder, 'a.txt', '2', 'Dropped');
    git(folder.path, 'reset', '-q', '--hard', 'HEAD~1');
    commit(folder, 'a.txt', '3', 'Instead');
    const result = await read(folder.path, { since: dropped });
    expect(result.items.map((item) => item.title)).toEqual(['Instead', 'First']);
    expect(result.note).toContain('no longer part of the history');
    expect((await read(folder.path, { since: 'f'.repeat(40) })).note).toContain('unknown');
  });

  it('gives coded errors for an empty repository, a plain folder, a missing folder and a bad cursor', async () => {
    using empty = repository();
    using plain = temporaryFolder();
    await expect(read(empty.path)).rejects.toMatchObject({ code: 'GENIE_GIT_EMPTY' });
    await expect(read(plain.path)).rejects.toMatchObject({ code: 'GENIE_NOT_A_REPOSITORY' });
    await expect(read(join(plain.path, 'nowhere'))).rejects.toMatchObject({ code: 'GENIE_NOT_A_REPOSITORY' });
    commit(empty, 'a', 'a', 'a');
    await expect(read(empty.path, { since: '--output=/tmp/x' })).rejects.toMatchObject({ code: 'GENIE_GIT_CURSOR' });
  });

  it('refuses a repository outside of the roots, also by a link and by a .git file that points there', async () => {
    using allowed = temporaryFolder();
    using other = repository();
    commit(other, 'secret.txt', 'secret', 'Secret');
    const tool = gitLog(createRoots({ roots: [allowed.path] }));
    symlinkSync(other.path, join(allowed.path, 'link'));
    allowed.write('pointer/.git', `gitdir: ${other.path}/.git\n`);
    for (const repository of [
      other.path,
      join(allowed.path, 'link'),
      join(allowed.path, 'pointer'),
      `${allowed.path}/../${other.path.split('/').pop()}`,
    ]) {
      await expect(callTool(tool, { repository })).rejects.toMatchObject({ code: 'GENIE_PATH_OUTSIDE' });
    }
  });

  it('runs nothing that the repository brings: no pager, monitor, external diff, text conversion, signature program or hook', async () => {
    using folder = repository();
    const mark = join(folder.path, 'was-run');
    const program = folder.write('evil.sh', `#!/bin/sh\ntouch ${mark}\ncat "$@" 2>/dev/null\n`);
    chmodSync(program, 0o755);
    commit(folder, '.gitattributes', '* diff=evil filter=evil\n', 'Attributes');
    commit(folder, 'a.txt', '1\n', 'First');
    for (const [key, value] of Object.entries({
      'core.pager': program,
      'pager.log': program,
      'core.fsmonitor': program,
      'diff.external': program,
      'diff.evil.textconv': program,
      'diff.evil.command': program,
      'log.showSignature': 'true',
      'gpg.program': program,
      'core.sshCommand': program,
      'filter.evil.clean': program,
      'filter.evil.smudge': program,
      'core.hooksPath': folder.path,
      'core.askPass': program,
      'alias.log': `!${program}`,
    }))
      git(folder.path, 'config', key, value);
    const result = await read(folder.path);
    expect(result.items).toHaveLength(2);
    expect(existsSync(mark)).toBe(false);
  });

  it('stops at once when it is aborted', async () => {
    using folder = repository();
    commit(folder, 'a.txt', '1', 'First');
    const tool = gitLog(createRoots({ roots: [folder.path] }));
    await expect(callTool(tool, { repository: folder.path }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  it('says that git is missing', async () => {
    using folder = repository();
    const tool = gitLog(createRoots({ roots: [folder.path] }), { program: 'no-such-git' });
    await expect(callTool(tool, { repository: folder.path })).rejects.toMatchObject({ code: 'GENIE_GIT_MISSING' });
  });
});
