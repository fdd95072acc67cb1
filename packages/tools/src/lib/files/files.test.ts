import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { callTool } from '../testing/tool-context.ts';
import { files } from './files.ts';

function setUp(path: string, options: object = {}) {
  const tools = files({ workspace: path, ...options });
  return (name: string, input: object) => callTool(tools.find((tool) => tool.name === name)!, input);
}

describe('files', () => {
  it('writes, reads, edits and deletes', async () => {
    using folder = temporaryFolder();
    const call = setUp(folder.path);
    expect(await call('write_file', { path: 'a/b/c.txt', text: 'one two one' })).toEqual({
      path: 'a/b/c.txt',
      sizeBytes: 11,
    });
    expect(await call('edit_file', { path: 'a/b/c.txt', find: 'two', replace: '$& three' })).toMatchObject({
      replaced: 1,
    });
    expect(readFileSync(join(folder.path, 'a/b/c.txt'), 'utf8')).toBe('one $& three one');
    expect(await call('edit_file', { path: 'a/b/c.txt', find: 'one', replace: '1', all: true })).toMatchObject({
      replaced: 2,
    });
    expect(await call('find_files', { pattern: '**/*.{txt,md}' })).toMatchObject({ files: ['a/b/c.txt'] });
    expect(await call('delete_file', { path: 'a/b/c.txt' })).toMatchObject({ deleted: true });
    await expect(call('delete_file', { path: 'a/b/c.txt' })).rejects.toMatchObject({ code: 'GENIE_FILE_MISSING' });
    await expect(call('delete_file', { path: 'a' })).rejects.toMatchObject({ code: 'GENIE_FILE_KIND' });
  });

  it('keeps the mode of a file and leaves no other file behind', async () => {
    using folder = temporaryFolder();
    const call = setUp(folder.path);
    await call('write_file', { path: 'run.sh', text: '1' });
    expect(statSync(join(folder.path, 'run.sh')).mode & 0o777).toBe(0o644);
    chmodSync(join(folder.path, 'run.sh'), 0o750);
    await call('write_file', { path: 'run.sh', text: '2' });
    expect(statSync(join(folder.path, 'run.sh')).mode & 0o777).toBe(0o750);
    expect(readdirSync(folder.path)).toEqual(['run.sh']);
  });

  it('says why an edit does not fit', async () => {
    using folder = temporaryFolder();
    const call = setUp(folder.path);
    folder.write('a.txt', 'x x');
    await expect(call('edit_file', { path: 'a.txt', find: 'y', replace: 'z' })).rejects.toMatchObject({
      code: 'GENIE_EDIT_NOT_FOUND',
    });
    await expect(call('edit_file', { path: 'a.txt', find: 'x', replace: 'z' })).rejects.toMatchObject({
      code: 'GENIE_EDIT_AMBIGUOUS',
    });
  });

  it('reads roots but writes to the workspace only', async () => {
    using folder = temporaryFolder();
    using source = temporaryFolder();
    const path = source.write('a.txt', 'source');
    const call = setUp(folder.path, { roots: [source.path] });
    expect(await call('read_file', { path })).toMatchObject({ text: 'source' });
    for (const name of ['write_file', 'delete_file'])
      await expect(call(name, { path, text: 'x' })).rejects.toMatchObject({ code: 'GENIE_PATH_OUTSIDE' });
  });

  it('leaves the reading tools to somebody else when asked to', () => {
    expect(files({ workspace: '/w', read: false }).map((tool) => tool.name)).toEqual([
      'write_file',
      'edit_file',
      'delete_file',
    ]);
  });
});
