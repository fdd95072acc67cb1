import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findSecret, secretsOf } from './find-secret.ts';
import { writeTar } from './write-tar.ts';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'genie-archive-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('findSecret', () => {
  const secrets = secretsOf({ OPENAI_API_KEY: 'sk-0123456789abcdef', SHORT_KEY: 'abc', PATH: '/usr/bin:/bin' });

  it('takes long values of variables that are named like secrets', () => {
    expect(secrets.map(({ name }) => name)).toEqual(['OPENAI_API_KEY']);
  });

  it('finds a value wherever it begins, also over the seam of two chunks', async () => {
    const path = join(newFolder(), 'file');
    const chunkBytes = 64 * 1024;
    for (const before of [0, 10, chunkBytes - 19, chunkBytes - 10, chunkBytes - 1, chunkBytes, 3 * chunkBytes - 5]) {
      writeFileSync(path, `${'x'.repeat(before)}sk-0123456789abcdefy`);
      expect(await findSecret(path, secrets), `at ${before}`).toBe('OPENAI_API_KEY');
    }
    writeFileSync(path, `${'x'.repeat(chunkBytes)}sk-0123456789abcdeX`);
    expect(await findSecret(path, secrets)).toBeUndefined();
  });
});

describe('writeTar', () => {
  it('is unpacked by tar to the same bytes: empty, full blocks, long and foreign names', async () => {
    const folder = newFolder();
    const contents: Readonly<Record<string, string>> = {
      'empty.txt': '',
      'block.bin': 'b'.repeat(512),
      'more.bin': 'm'.repeat(100_001),
      [`${'deep/'.repeat(30)}größe-🧞.txt`]: 'long',
    };
    for (const [path, content] of Object.entries(contents)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    const target = join(folder, 'all.tar');
    await writeTar(target, { folder, paths: Object.keys(contents), prefix: 'x' });
    const unpacked = newFolder();
    execFileSync('tar', ['-xf', target, '-C', unpacked]);
    for (const [path, content] of Object.entries(contents))
      expect(readFileSync(join(unpacked, 'x', path), 'utf8'), path).toBe(content);
    await expect(writeTar(target, { folder, paths: [], prefix: 'x' })).rejects.toMatchObject({ code: 'EEXIST' });
  });
});
