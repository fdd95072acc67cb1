import { execFileSync } from 'node:child_process';
import { linkSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createRoots } from '../confine/roots.ts';
import type { SourceOutput } from '../sources/source-output.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { callTool } from '../testing/tool-context.ts';
import { readFolder } from './read-folder.ts';

const read = (folder: string, input: object = {}) =>
  callTool(readFolder(createRoots({ roots: [folder] }), Date.now), { path: folder, ...input }) as Promise<SourceOutput>;

describe('read_folder', () => {
  it('gives text files with a title, an extract and a place, newest first', async () => {
    using folder = temporaryFolder();
    folder.write('notes/a.md', '# Plans\n\nShip it.\n');
    await sleep(30);
    folder.write('b.txt', 'second');
    const result = await read(folder.path);
    expect(result.items.map(({ title, text }) => ({ title, text }))).toEqual([
      { title: 'b.txt', text: 'second' },
      { title: 'Plans', text: '# Plans\n\nShip it.\n' },
    ]);
    expect(result.items[1]).toMatchObject({ location: join(folder.path, 'notes/a.md') });
    expect(result.items[1]?.id).toMatch(/^notes\/a\.md#[0-9a-f]{12}$/);
  });

  it('gives only what changed after the cursor, also a file that carries an old date', async () => {
    using folder = temporaryFolder();
    folder.write('old.txt', 'old');
    await sleep(40);
    const first = await read(folder.path);
    expect((await read(folder.path, { since: first.cursor })).items).toEqual([]);
    const late = folder.write('late.txt', 'late');
    utimesSync(late, new Date('2001-01-01'), new Date('2001-01-01'));
    const second = await read(folder.path, { since: first.cursor });
    expect(second.items.map((item) => item.title)).toEqual(['late.txt']);
    expect(second.items[0]?.date).toBe('2001-01-01T00:00:00.000Z');
  });

  it('never misses a file written right after it looked', async () => {
    using folder = temporaryFolder();
    for (let round = 0; round < 20; round += 1) {
      folder.write(`${round}-a.txt`, 'a');
      const { cursor } = await read(folder.path);
      folder.write(`${round}-b.txt`, 'b');
      const titles = (await read(folder.path, { since: cursor })).items.map((item) => item.title);
      expect(titles).toContain(`${round}-b.txt`);
    }
  });

  it('passes over binary files, links, pipes, sockets and folders of tools', async () => {
    using folder = temporaryFolder();
    using outside = temporaryFolder();
    outside.write('secret.txt', 'secret');
    folder.write('data.bin', new Uint8Array([1, 0, 2]));
    folder.write('node_modules/x/readme.md', 'x');
    folder.write('.git/config', 'x');
    folder.write('kept.txt', 'kept');
    symlinkSync(join(outside.path, 'secret.txt'), join(folder.path, 'link.txt'));
    symlinkSync(outside.path, join(folder.path, 'linked'));
    symlinkSync('.', join(folder.path, 'loop'));
    execFileSync('mkfifo', [join(folder.path, 'pipe')]);
    expect((await read(folder.path)).items.map((item) => item.title)).toEqual(['kept.txt']);
  });

  it('reads UTF-16 and replaces bytes that are no text', async () => {
    using folder = temporaryFolder();
    folder.write('wide.txt', new Uint8Array([0xff, 0xfe, 0x47, 0, 0xfc, 0]));
    folder.write('broken.txt', new Uint8Array([0x61, 0xff, 0x62]));
    expect((await read(folder.path)).items.map((item) => item.text).sort()).toEqual(['Gü', 'a\ufffdb']);
  });

  it('may read hard links of a source but not of the workspace', async () => {
    using folder = temporaryFolder();
    using outside = temporaryFolder();
    linkSync(outside.write('a.txt', 'twice'), join(folder.path, 'a.txt'));
    expect((await read(folder.path)).items).toHaveLength(1);
    const tool = readFolder(createRoots({ roots: [], workspace: folder.path }), Date.now);
    expect(await callTool(tool, { path: '.' })).toMatchObject({ items: [] });
  });

  it('gives coded errors for what is outside, missing or no cursor', async () => {
    using folder = temporaryFolder();
    await expect(
      callTool(readFolder(createRoots({ roots: [folder.path] }), Date.now), { path: '/etc' }),
    ).rejects.toMatchObject({ code: 'GENIE_PATH_OUTSIDE' });
    await expect(read(folder.path, { since: 'yesterday' })).rejects.toMatchObject({ code: 'GENIE_FOLDER_CURSOR' });
    rmSync(folder.path, { recursive: true });
    await expect(read(folder.path)).rejects.toMatchObject({ code: 'GENIE_FILE_MISSING' });
  });
});
