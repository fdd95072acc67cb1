import { execFileSync } from 'node:child_process';
import { linkSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readStart } from '../files/read-text.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { openConfinedFolder } from './confined-folder.ts';
import { deleteConfined, writeConfined } from './write-confined.ts';

const grades = process.platform === 'linux' ? (['descriptors', 'names'] as const) : (['names'] as const);

describe.each(grades)('openConfinedFolder by %s', (grade) => {
  it('reads, writes, lists and deletes below the folder', () => {
    using place = temporaryFolder();
    const folder = openConfinedFolder(place.path, { grade });
    expect(folder.grade).toBe(grade);
    writeConfined(folder, 'a/b/c.txt', Buffer.from('text'));
    expect(readStart(folder, 'a/./b/../b/c.txt', 100).toString()).toBe('text');
    expect(folder.list('a/b').entries.map((entry) => [entry.name, entry.kind, entry.sizeBytes])).toEqual([
      ['c.txt', 'file', 4],
    ]);
    expect(folder.list('', { maxEntries: 0 }).truncated).toBe(true);
    deleteConfined(folder, 'a/b/c.txt');
    expect(() => folder.openFile('a/b/c.txt')).toThrow(expect.objectContaining({ code: 'GENIE_FILE_MISSING' }));
    folder.close();
    folder.close();
  });

  it('follows no link, takes no hard link, pipe or folder for a file', () => {
    using place = temporaryFolder();
    using outside = temporaryFolder();
    const secret = outside.write('secret', 'secret');
    place.write('sub/file', 'x');
    symlinkSync(secret, join(place.path, 'link'));
    symlinkSync(outside.path, join(place.path, 'folder'));
    linkSync(secret, join(place.path, 'hard'));
    execFileSync('mkfifo', [join(place.path, 'pipe')]);
    const folder = openConfinedFolder(place.path, { grade });
    for (const [path, code] of [
      ['link', 'GENIE_PATH_OUTSIDE'],
      ['folder/secret', 'GENIE_PATH_OUTSIDE'],
      ['hard', 'GENIE_FILE_KIND'],
      ['pipe', 'GENIE_FILE_KIND'],
      ['sub', 'GENIE_FILE_KIND'],
      ['sub/file/x', 'GENIE_PATH_OUTSIDE'],
      ['../x', 'GENIE_PATH_OUTSIDE'],
    ] as const) {
      expect(() => folder.openFile(path), path).toThrow(expect.objectContaining({ code }));
    }
    for (const path of ['link', 'folder/new', 'hard', 'pipe', 'sub'])
      expect(() => writeConfined(folder, path, Buffer.from('y')), path).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^GENIE_(PATH_OUTSIDE|FILE_KIND)$/) }),
      );
    expect(readFileSync(secret, 'utf8')).toBe('secret');
    folder.close();
  });

  it('stays with the folder it opened, or notices that it was exchanged', () => {
    using place = temporaryFolder();
    using outside = temporaryFolder();
    place.write('work/file', 'right');
    outside.write('file', 'wrong');
    const folder = openConfinedFolder(join(place.path, 'work'), { grade });
    renameSync(join(place.path, 'work'), join(place.path, 'moved'));
    symlinkSync(outside.path, join(place.path, 'work'));
    if (grade === 'descriptors') expect(readStart(folder, 'file', 10).toString()).toBe('right');
    else expect(() => folder.openFile('file')).toThrow(expect.objectContaining({ code: 'GENIE_PATH_OUTSIDE' }));
    folder.close();
  });
});
