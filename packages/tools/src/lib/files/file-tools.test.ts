import { describe, expect, it } from 'vitest';
import { createRoots } from '../confine/roots.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { callTool } from '../testing/tool-context.ts';
import { fileReadTools } from './file-tools.ts';

function tools(folder: string) {
  const [read, list, , search] = fileReadTools(createRoots({ roots: [folder], workspace: folder }));
  return { read: read!, list: list!, search: search! };
}

describe('read_file', () => {
  it('reads a range of lines and says when there is more', async () => {
    using folder = temporaryFolder();
    folder.write('a.txt', 'one\ntwo\nthree\nfour');
    const { read } = tools(folder.path);
    expect(await callTool(read, { path: 'a.txt', offset: 2, limit: 2 })).toEqual({
      path: `${folder.path}/a.txt`,
      text: 'two\nthree',
      offset: 2,
      lines: 2,
      sizeBytes: 18,
      truncated: true,
    });
    expect(await callTool(read, { path: 'a.txt' })).not.toHaveProperty('truncated');
  });

  it('refuses binary files, folders and paths that lead out', async () => {
    using folder = temporaryFolder();
    folder.write('sub/a.bin', new Uint8Array([0, 1]));
    const { read } = tools(folder.path);
    await expect(callTool(read, { path: 'sub/a.bin' })).rejects.toMatchObject({ code: 'GENIE_FILE_BINARY' });
    await expect(callTool(read, { path: 'sub' })).rejects.toMatchObject({ code: 'GENIE_FILE_KIND' });
    await expect(callTool(read, { path: '../x' })).rejects.toMatchObject({ code: 'GENIE_PATH_OUTSIDE' });
    await expect(callTool(read, { path: 'nothing' })).rejects.toMatchObject({ code: 'GENIE_FILE_MISSING' });
  });
});

describe('list_files', () => {
  it('lists one folder or the whole tree, up to the limit', async () => {
    using folder = temporaryFolder();
    folder.write('a/b.txt', 'b');
    folder.write('c.txt', 'cc');
    const { list } = tools(folder.path);
    expect(await callTool(list, { path: '.' })).toMatchObject({
      entries: [
        { path: 'a', kind: 'folder' },
        { path: 'c.txt', kind: 'file', sizeBytes: 2 },
      ],
    });
    const whole = (await callTool(list, { path: '.', recursive: true })) as { entries: { path: string }[] };
    expect(whole.entries.map((entry) => entry.path)).toEqual(['a', 'c.txt', 'a/b.txt']);
    expect(await callTool(list, { path: '.', limit: 1 })).toMatchObject({ truncated: true });
  });
});

describe('search_files', () => {
  it('finds lines with their place, ignoring case if asked', async () => {
    using folder = temporaryFolder();
    folder.write('a.txt', 'nothing\n  The Needle here\n');
    folder.write('b/c.txt', 'needle');
    folder.write('d.bin', new Uint8Array([0, 110]));
    const { search } = tools(folder.path);
    expect(await callTool(search, { path: '.', text: 'needle' })).toEqual({
      matches: [
        { path: 'a.txt', line: 2, text: 'The Needle here' },
        { path: 'b/c.txt', line: 1, text: 'needle' },
      ],
      filesSearched: 3,
    });
    expect(await callTool(search, { path: '.', text: 'needle', ignoreCase: false })).toMatchObject({
      matches: [{ path: 'b/c.txt' }],
    });
    expect(await callTool(search, { path: '.', text: 'needle', limit: 1 })).toMatchObject({ truncated: true });
  });
});
