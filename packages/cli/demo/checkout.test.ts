import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { prepareCheckout } from './checkout.ts';

const subjects = (path: string): string[] =>
  execFileSync('git', ['log', '--format=%s'], { cwd: path, encoding: 'utf8' }).trim().split('\n');

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'genie-checkout-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('prepareCheckout', { timeout: 60_000 }, () => {
  it('makes a small repository where there is no .git, as in an unpacked tarball', async () => {
    const folder = newFolder();
    const root = join(folder, 'tarball');
    mkdirSync(root);
    for (const file of ['README.md', 'package.json']) writeFileSync(join(root, file), `${file}\n`);
    const checkout = await prepareCheckout(root, join(folder, 'checkout'));
    expect(checkout.origin).toContain('has no .git');
    expect(subjects(checkout.path)).toEqual([
      'Say what this is and how to start',
      'Name the workspace and its scripts',
    ]);
    const hash = await checkout.commit('docs/note.md', 'a note\n', 'Add a note');
    expect(subjects(checkout.path)[0]).toBe('Add a note');
    expect(hash).toMatch(/^[0-9a-f]{7,}$/);
  });

  it('clones a repository and leaves it as it was', async () => {
    const folder = newFolder();
    const tarball = join(folder, 'tarball');
    mkdirSync(tarball);
    writeFileSync(join(tarball, 'README.md'), 'x\n');
    const original = await prepareCheckout(tarball, join(folder, 'original'));
    const clone = await prepareCheckout(original.path, join(folder, 'clone'));
    await clone.commit('docs/note.md', 'a note\n', 'Add a note');
    expect(subjects(clone.path)).toHaveLength(2);
    expect(subjects(original.path)).toHaveLength(1);
  });
});
