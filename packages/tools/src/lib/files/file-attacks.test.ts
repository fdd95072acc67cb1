import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Tool } from '@genie/core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openConfinedFolder } from '../confine/confined-folder.ts';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.ts';
import { callTool } from '../testing/tool-context.ts';
import { files } from './files.ts';

let workspace: TemporaryFolder;
let outside: TemporaryFolder;
let tools: Readonly<Record<string, Tool>>;

beforeEach(() => {
  workspace = temporaryFolder();
  outside = temporaryFolder();
  outside.write('secret', 'TOP SECRET');
  workspace.write('sub/inner.txt', 'inner');
  tools = Object.fromEntries(
    files({ workspace: workspace.path, maxFileBytes: 1_000_000, maxTotalBytes: 3_000_000 }).map((tool) => [
      tool.name,
      tool,
    ]),
  );
});

afterEach(() => {
  workspace[Symbol.dispose]();
  outside[Symbol.dispose]();
});

const call = (name: string, input: object) => callTool(tools[name]!, input);

/** Every tool with a path; none may give the secret, and none may change anything outside. */
async function expectNoWayOut(path: string): Promise<void> {
  const inputs: Readonly<Record<string, object>> = {
    read_file: { path },
    list_files: { path },
    find_files: { path, pattern: '**' },
    search_files: { path, text: 'SECRET' },
    write_file: { path, text: 'changed' },
    edit_file: { path, find: 'TOP', replace: 'NO' },
    delete_file: { path },
  };
  for (const [name, input] of Object.entries(inputs)) {
    const result = await call(name, input).then(
      (value) => JSON.stringify(value),
      (error: { code?: string }) => `error ${error.code}`,
    );
    expect(result, name).not.toContain('TOP SECRET');
    expect(result, name).not.toContain('"secret"');
    expect(readFileSync(join(outside.path, 'secret'), 'utf8'), name).toBe('TOP SECRET');
    expect(readdirSync(outside.path), name).toEqual(['secret']);
  }
}

describe('attacks on the file tools fail', () => {
  it('climbs with ..', () => expectNoWayOut(`../${outside.path.split('/').pop()}/secret`));
  it('climbs with .. after a real folder', () => expectNoWayOut(`sub/../../${outside.path.split('/').pop()}/secret`));
  it('climbs with many ..', () => expectNoWayOut(`${'../'.repeat(40)}${outside.path.slice(1)}/secret`));
  it('names an absolute path', () => expectNoWayOut(join(outside.path, 'secret')));
  it('names an absolute path that starts like the workspace', () =>
    expectNoWayOut(`${workspace.path}/../${outside.path.split('/').pop()}/secret`));
  it('names a folder whose name starts like the workspace', async () => {
    const twin = `${workspace.path}-twin`;
    mkdirSync(twin);
    writeFileSync(join(twin, 'secret'), 'TOP SECRET');
    try {
      await expect(call('read_file', { path: join(twin, 'secret') })).rejects.toMatchObject({
        code: 'GENIE_PATH_OUTSIDE',
      });
    } finally {
      rmSync(twin, { recursive: true });
    }
  });
  it('goes through /proc/self/root', () => expectNoWayOut(`/proc/self/root${outside.path}/secret`));
  it('goes through /proc/self/cwd', () => expectNoWayOut('/proc/self/cwd/package.json'));
  it('goes through /dev/fd', () => expectNoWayOut('/dev/fd/0'));
  it('hides behind a NUL byte', () => expectNoWayOut(`sub/inner.txt\0/../../${outside.path}/secret`));
  it('uses a backslash', () => expectNoWayOut(`..\\${outside.path.split('/').pop()}\\secret`));
  it('uses an escaped ..', () => expectNoWayOut('%2e%2e/secret'));
  it('uses full-width dots', () => expectNoWayOut(`\uff0e\uff0e/${outside.path.split('/').pop()}/secret`));
  it('uses a file URL', () => expectNoWayOut(`file://${outside.path}/secret`));
  it('uses a tilde', () => expectNoWayOut('~/secret'));
  it('uses a variable', () => expectNoWayOut('$HOME/secret'));
  it('follows a link to a file', async () => {
    symlinkSync(join(outside.path, 'secret'), join(workspace.path, 'link'));
    await expectNoWayOut('link');
  });
  it('follows a link to a folder', async () => {
    symlinkSync(outside.path, join(workspace.path, 'link'));
    await expectNoWayOut('link/secret');
    await expectNoWayOut('link');
  });
  it('follows a relative link', async () => {
    symlinkSync(`../../${outside.path.split('/').pop()}`, join(workspace.path, 'sub/link'));
    await expectNoWayOut('sub/link/secret');
  });
  it('follows a chain of links', async () => {
    symlinkSync(outside.path, join(workspace.path, 'a'));
    symlinkSync('a', join(workspace.path, 'b'));
    symlinkSync('b/secret', join(workspace.path, 'c'));
    await expectNoWayOut('c');
  });
  it('follows a link to the root', async () => {
    symlinkSync('/', join(workspace.path, 'root'));
    await expectNoWayOut(`root${outside.path}/secret`);
  });
  it('creates a file through a dangling link', async () => {
    symlinkSync(join(outside.path, 'new'), join(workspace.path, 'dangling'));
    await expectNoWayOut('dangling');
  });
  it('creates a folder through a dangling link', async () => {
    symlinkSync(join(outside.path, 'new'), join(workspace.path, 'dangling'));
    await expectNoWayOut('dangling/file');
  });
  it('reads and writes through a hard link', async () => {
    linkSync(join(outside.path, 'secret'), join(workspace.path, 'hard'));
    await expect(call('read_file', { path: 'hard' })).rejects.toMatchObject({ code: 'GENIE_FILE_KIND' });
    await expect(call('write_file', { path: 'hard', text: 'x' })).rejects.toMatchObject({ code: 'GENIE_FILE_KIND' });
    await expect(call('edit_file', { path: 'hard', find: 'TOP', replace: 'x' })).rejects.toMatchObject({
      code: 'GENIE_FILE_KIND',
    });
    expect(readFileSync(join(outside.path, 'secret'), 'utf8')).toBe('TOP SECRET');
  });
  it('makes the workspace itself a link', async () => {
    const real = `${workspace.path}-real`;
    renameSync(workspace.path, real);
    symlinkSync(real, workspace.path);
    try {
      expect(await call('read_file', { path: 'sub/inner.txt' })).toMatchObject({ text: 'inner' });
      await expectNoWayOut(`../${outside.path.split('/').pop()}/secret`);
    } finally {
      rmSync(workspace.path);
      renameSync(real, workspace.path);
    }
  });
  it('hangs on a pipe without a writer', async () => {
    execFileSync('mkfifo', [join(workspace.path, 'pipe')]);
    await expect(call('read_file', { path: 'pipe' })).rejects.toMatchObject({ code: 'GENIE_FILE_KIND' });
    await expect(call('edit_file', { path: 'pipe', find: 'a', replace: 'b' })).rejects.toMatchObject({
      code: 'GENIE_FILE_KIND',
    });
    expect(await call('search_files', { path: '.', text: 'inner' })).toMatchObject({ filesSearched: 1 });
  });
  it('reads from a socket', async () => {
    const server = createServer().listen(join(workspace.path, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    await expect(call('read_file', { path: 'socket' })).rejects.toMatchObject({ code: 'GENIE_FILE_KIND' });
    server.close();
  });
  it.runIf(process.getuid?.() === 0)('reads a device without end', async () => {
    execFileSync('mknod', [join(workspace.path, 'zero'), 'c', '1', '5']);
    await expect(call('read_file', { path: 'zero' })).rejects.toMatchObject({ code: 'GENIE_FILE_KIND' });
  });
  it('walks a loop of links for ever', async () => {
    symlinkSync('..', join(workspace.path, 'sub/loop'));
    expect(await call('list_files', { path: '.', recursive: true })).toMatchObject({
      entries: [{ path: 'sub' }, { path: 'sub/inner.txt' }, { path: 'sub/loop', kind: 'link' }],
    });
  });
  it('keeps everything else waiting with a folder of very many files', async () => {
    execFileSync('perl', ['-e', 'mkdir "many"; for (1..6000) { open my $h, ">", "many/$_" }'], { cwd: workspace.path });
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns += 1;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const found = (await call('find_files', { path: 'many', pattern: '599*' })) as { files: unknown[] };
    isDone = true;
    expect(found.files).toHaveLength(11);
    expect(turns).toBeGreaterThan(4);
    execFileSync('rm', ['-rf', join(workspace.path, 'many')]);
  });
  it('nests folders deeper than a path may be long', async () => {
    execFileSync('perl', ['-e', 'for (1..300) { mkdir "a" x 20; chdir "a" x 20 }'], { cwd: workspace.path });
    const result = (await call('list_files', { path: '.', recursive: true, limit: 10_000 })) as { entries: unknown[] };
    expect(result.entries.length).toBeGreaterThan(100);
    execFileSync('rm', ['-rf', join(workspace.path, 'a'.repeat(20))]);
  });
  it('names a file with 300 bytes, and a path with 5,000', async () => {
    await expect(call('write_file', { path: 'ü'.repeat(150), text: 'x' })).rejects.toMatchObject({
      code: 'GENIE_PATH_INVALID',
    });
    await expect(call('write_file', { path: 'a/'.repeat(2500), text: 'x' })).rejects.toMatchObject({
      code: 'GENIE_PATH_INVALID',
    });
  });
  it('writes to the workspace itself', async () => {
    for (const path of ['.', './', 'sub/..', workspace.path])
      await expect(call('write_file', { path, text: 'x' })).rejects.toMatchObject({ code: 'GENIE_FILE_KIND' });
  });
  it('replaces a folder by a file', () =>
    expect(call('write_file', { path: 'sub', text: 'x' })).rejects.toMatchObject({ code: 'GENIE_FILE_KIND' }));
  it('uses a file as a folder', () =>
    expect(call('write_file', { path: 'sub/inner.txt/x', text: 'x' })).rejects.toMatchObject({
      code: 'GENIE_PATH_OUTSIDE',
    }));
  it('keeps a set-user-id bit on what it writes', async () => {
    execFileSync('chmod', ['4755', join(workspace.path, 'sub/inner.txt')]);
    await call('write_file', { path: 'sub/inner.txt', text: '#!/bin/sh\n' });
    expect(statSync(join(workspace.path, 'sub/inner.txt')).mode & 0o7777).toBe(0o755);
  });
  it('fills the disk with one file, and with many', async () => {
    await expect(call('write_file', { path: 'big', text: 'x'.repeat(1_000_001) })).rejects.toMatchObject({
      code: 'GENIE_FILE_TOO_LARGE',
    });
    for (const name of ['1', '2']) await call('write_file', { path: name, text: 'x'.repeat(1_000_000) });
    await expect(call('write_file', { path: '3', text: 'x'.repeat(1_000_000) })).rejects.toMatchObject({
      code: 'GENIE_WORKSPACE_FULL',
    });
    expect(existsSync(join(workspace.path, '3'))).toBe(false);
    await call('delete_file', { path: '1' });
    await call('write_file', { path: '3', text: 'x'.repeat(1_000_000) });
  });
  it('makes a large file grow through an edit', async () => {
    await call('write_file', { path: 'grow', text: 'ab'.repeat(1000) });
    await expect(
      call('edit_file', { path: 'grow', find: 'a', replace: 'x'.repeat(2000), all: true }),
    ).rejects.toMatchObject({ code: 'GENIE_FILE_TOO_LARGE' });
  });
  it('reads a sparse file of a terabyte into memory', async () => {
    execFileSync('truncate', ['-s', '1T', join(workspace.path, 'sparse')]);
    await expect(call('read_file', { path: 'sparse' })).rejects.toMatchObject({ code: 'GENIE_FILE_BINARY' });
    await expect(call('edit_file', { path: 'sparse', find: 'a', replace: 'b' })).rejects.toMatchObject({
      code: 'GENIE_FILE_TOO_LARGE',
    });
  });
  it('lets an edit destroy bytes that are no text', async () => {
    writeFileSync(join(workspace.path, 'latin'), Buffer.from('gr\xfcn', 'latin1'));
    await expect(call('edit_file', { path: 'latin', find: 'gr', replace: 'x' })).rejects.toMatchObject({
      code: 'GENIE_FILE_BINARY',
    });
    writeFileSync(join(workspace.path, 'marked'), '\ufefftext');
    await call('edit_file', { path: 'marked', find: 'text', replace: 'more' });
    expect(readFileSync(join(workspace.path, 'marked'), 'utf8')).toBe('\ufeffmore');
  });
  it('stalls the search with a pattern that explodes', async () => {
    await call('write_file', { path: 'a'.repeat(200), text: 'x' });
    const startedAt = performance.now();
    expect(await call('find_files', { path: '.', pattern: `${'*a'.repeat(99)}b` })).toMatchObject({ files: [] });
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it('swaps a folder for a link while files are read and written', async () => {
    const worker = swapper(join(workspace.path, 'sub'), outside.path);
    workspace.write('sub/secret', 'harmless');
    try {
      for (let round = 0; round < 1500; round += 1) {
        const text = await call('read_file', { path: 'sub/secret' }).then(
          (value) => (value as { text: string }).text,
          (error: { code: string }) => error.code,
        );
        expect(text).not.toBe('TOP SECRET');
        await call('write_file', { path: 'sub/planted', text: 'x' }).catch(() => undefined);
        if (round % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      await worker.terminate();
    }
    expect(readdirSync(outside.path)).toEqual(['secret']);
  }, 60_000);

  it('swaps a folder for a link while files are searched, with ripgrep where there is one', async () => {
    const worker = swapper(join(workspace.path, 'sub'), outside.path);
    workspace.write('sub/secret', 'harmless');
    try {
      for (let round = 0; round < 60; round += 1) {
        const found = (await call('search_files', { path: '.', text: 'TOP SECRET' })) as { matches: unknown[] };
        expect(found.matches).toEqual([]);
      }
    } finally {
      await worker.terminate();
    }
  }, 60_000);

  it('is a test that a resolving implementation would not pass', async () => {
    const worker = swapper(join(workspace.path, 'sub'), outside.path);
    workspace.write('sub/secret', 'harmless');
    let lost = false;
    try {
      const { realpathSync } = await import('node:fs');
      for (let round = 0; round < 200_000 && !lost; round += 1) {
        try {
          const real = realpathSync(join(workspace.path, 'sub/secret'));
          if (real.startsWith(workspace.path))
            lost = readFileSync(join(workspace.path, 'sub/secret'), 'utf8') === 'TOP SECRET';
        } catch {
          // Not there at this moment.
        }
      }
    } finally {
      await worker.terminate();
    }
    expect(lost).toBe(true);
  });

  it('any path: gives an error or something inside', async () => {
    symlinkSync(outside.path, join(workspace.path, 'link'));
    const piece = fc.constantFrom(
      '..',
      '.',
      '',
      'sub',
      'inner.txt',
      'link',
      'secret',
      outside.path.slice(1),
      '\0',
      '~',
      'a b',
      '…',
    );
    const folder = openConfinedFolder(workspace.path);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.boolean(), (pieces, absolute) => {
        const path = (absolute ? '/' : '') + pieces.join('/');
        try {
          const file = folder.openFile(path);
          file.close();
          return path.replaceAll(/(^|\/)(\.|)(?=\/|$)/g, '').endsWith('inner.txt');
        } catch (error) {
          return /^GENIE_/.test((error as { code: string }).code);
        }
      }),
    );
    folder.close();
  });
});

/** Keeps exchanging a folder for a link to another place, in a thread of its own, until it is terminated. */
function swapper(folder: string, target: string): Worker {
  return new Worker(
    `const { renameSync, rmSync, symlinkSync } = require('node:fs'); const { workerData: { folder, target } } = require('node:worker_threads');
     symlinkSync(target, folder + '-link');
     const move = (from, to) => { try { renameSync(folder + from, folder + to); return true; } catch { return false; } };
     const clear = () => { try { rmSync(folder, { recursive: true, force: true }); } catch {} };
     for (;;) {
       move('', '-real'); move('-link', ''); move('', '-link');
       // A writer may have made a new folder of that name meanwhile.
       for (let tries = 0; tries < 50 && !move('-real', ''); tries += 1) clear();
     }`,
    { eval: true, workerData: { folder, target } },
  );
}
