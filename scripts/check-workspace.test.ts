import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { workspaceProblems } from './check-workspace.ts';

const root = path.dirname(import.meta.dirname);
const core = 'packages/core/package.json';

const cleanup: string[] = [];
afterEach(() => {
  for (const folder of cleanup.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe('the workspace check', () => {
  it('passes this repository', () => {
    expect(workspaceProblems(root)).toEqual([]);
  });

  it.each([
    ['a range', core, '"zod": "4.6.7"', '"zod": "^4.6.7"', 'Pin one version'],
    ['two versions of one dependency', core, '"zod": "4.6.7"', '"zod": "4.6.6"', 'zod: use one version'],
    ['an entry without a source', core, './src/loop.ts', './src/lib/loop.ts', 'exports["./loop"] has to be'],
    ['an entry whose source is missing', core, /loop/g, 'lop', './src/lop.ts does not exist'],
    ['another license', core, '"MIT"', '"ISC"', 'license has to be "MIT"'],
    [
      'a missing reference',
      'packages/tools/tsconfig.json',
      '../core',
      '../egress',
      'references have to be those to @genie/core',
    ],
    [
      'a package that tsc does not build',
      'tsconfig.json',
      'packages/core',
      'packages/cor',
      'add a reference to packages/core',
    ],
    ['a platform that was left out', 'pnpm-lock.yaml', /@biomejs\/cli-darwin-arm64@/g, '@gone@', 'would not install'],
  ])('finds %s', (_name, file, from, to, message) => {
    const workspace = copy();
    const changed = path.join(workspace, file);
    const before = readFileSync(changed, 'utf8');
    const after = before.replace(from, to);
    expect(after).not.toBe(before);
    writeFileSync(changed, after);
    expect(workspaceProblems(workspace).join('\n')).toContain(message);
  });
});

function copy(): string {
  const workspace = mkdtempSync(path.join(tmpdir(), 'genie-workspace-'));
  cleanup.push(workspace);
  const files = [
    'package.json',
    'tsconfig.json',
    'pnpm-lock.yaml',
    'packages/*/{package,tsconfig}.json',
    'packages/*/src/*.ts',
  ];
  const more = ['examples/*/package.json', 'tooling/package.json'];
  for (const file of globSync([...files, ...more], { cwd: root }))
    cpSync(path.join(root, file), path.join(workspace, file));
  return workspace;
}
