import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateFiles } from './state-files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genie-states-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const state = (key: string, tokens = 100, bytes = 1_000) => ({
  key,
  tokens,
  estimatedBytes: bytes,
  write: (path: string) => writeFile(path, Buffer.alloc(bytes, tokens % 256)),
});

/** What a restore reads, as a size. */
async function read(states: StateFiles, key: string): Promise<number | undefined> {
  let size: number | undefined;
  const found = await states.restore(key, async (path) => {
    size = (await stat(path)).size;
  });
  return found ? size : undefined;
}

describe('StateFiles', () => {
  it('keeps states within the quota, the longest unused goes', async () => {
    const states = await StateFiles.open(folder, 3_000);
    for (const key of ['a', 'b', 'c']) expect(await states.save(state(key))).toBe(true);
    expect(await read(states, 'a')).toBe(1_000);
    await states.save(state('d'));
    expect(await read(states, 'b')).toBeUndefined();
    expect(states.stats()).toMatchObject({ files: 3, bytes: 3_000, saved: 4, restored: 1, failed: 0 });
    expect(await states.save(state('huge', 100, 3_001))).toBe(false);
    expect(states.stats().files).toBe(3);
    await states.close();
    expect(await readdir(folder)).toEqual([]);
  });

  it('writes a conversation again only when it has grown', async () => {
    const states = await StateFiles.open(folder, 10_000);
    await states.save(state('a', 100, 1_000));
    await states.save(state('a', 120, 1_200));
    expect(await read(states, 'a')).toBe(1_000);
    await states.save(state('a', 164, 1_640));
    expect(await read(states, 'a')).toBe(1_640);
    expect(states.stats()).toMatchObject({ files: 1, bytes: 1_640, saved: 2 });
    await states.close();
  });

  it('loses a state, not a request, when writing fails or a file is damaged', async () => {
    const states = await StateFiles.open(folder, 10_000);
    const [own = ''] = await readdir(folder);
    const full = {
      ...state('full'),
      write: async (path: string) => {
        await writeFile(path, 'half');
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      },
    };
    expect(await states.save(full)).toBe(false);
    expect(await readdir(join(folder, own))).toEqual([]);
    await states.save(state('a'));
    await truncate(join(folder, own, 'a.kv'), 500);
    expect(await read(states, 'a')).toBeUndefined();
    await states.save(state('b'));
    expect(await states.restore('b', () => Promise.reject(new Error('not readable')))).toBe(false);
    expect(states.stats()).toMatchObject({ files: 0, failed: 3 });
    await rm(join(folder, own), { recursive: true });
    expect(await states.save(state('c'))).toBe(false);
    await states.close();
  });

  it('lets nobody else read states, and removes those of processes that were killed', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => child.on('exit', resolve));
    await mkdir(join(folder, `kv-${child.pid}-dead`));
    await mkdir(join(folder, 'kv-1-alive'));
    await mkdir(join(folder, 'something-else'));
    const states = await StateFiles.open(folder, 10_000);
    const names = await readdir(folder);
    expect(names.map((name) => name.replace(/-[^-]*$/, '-'))).toEqual(['kv-1-', `kv-${process.pid}-`, 'something-']);
    const own = names.find((name) => name.startsWith(`kv-${process.pid}-`)) ?? '';
    expect((await stat(join(folder, own))).mode & 0o077).toBe(0);
    await states.close();
  });
});
