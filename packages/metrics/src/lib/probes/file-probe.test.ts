import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KpiDefinition } from '@genie/core/ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestRun } from '../testing/test-run.ts';
import { createProbeRegistry } from './probe-registry.ts';

let base: string;
let root: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(path.join(tmpdir(), 'genie-file-')));
  root = path.join(base, 'root');
  mkdirSync(path.join(root, 'sub'), { recursive: true });
  mkdirSync(path.join(base, 'outside', 'deep'), { recursive: true });
  writeFileSync(path.join(base, 'outside', 'secret.txt'), 's');
  writeFileSync(path.join(base, 'outside', 'deep', 'secret.txt'), 's');
  writeFileSync(path.join(root, '..in.txt'), '1');
  writeFileSync(path.join(root, 'sub', 'a.txt'), '1');
  symlinkSync(path.join(base, 'outside'), path.join(root, 'link'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const registry = createProbeRegistry([], 1_000);
const observe = (probe: { readonly kind: string; readonly [option: string]: string }) =>
  registry.observe(probe, {
    run: createTestRun(),
    kpi: {} as KpiDefinition,
    now: 0,
    signal: new AbortController().signal,
    offsetAt: () => 0,
    roots: [root],
    feedback: async () => [],
    eventAt: () => undefined,
  });

describe('the file probe', () => {
  it.each([
    'link/*',
    'link/**',
    'link/deep/*',
    '{..,x}/outside/*',
    '[.][.]/outside/*',
    '../outside/*',
    'sub/../../outside/*',
  ])('says nothing about files outside, not even how many: %s', async (glob) => {
    const result = await observe({ kind: 'file', path: glob, check: 'count' });
    expect(result).toMatchObject({ noData: 'failed' });
    expect(JSON.stringify(result)).not.toContain('secret');
  });

  it('counts by globs inside, past links that lead out', async () => {
    expect(await observe({ kind: 'file', path: '**/*.txt', check: 'count' })).toMatchObject({ value: 1 });
    expect(await observe({ kind: 'file', path: '{sub,x}/*', check: 'count' })).toMatchObject({ value: 1 });
    expect(await observe({ kind: 'file', path: '..in.txt', check: 'exists' })).toMatchObject({ value: 1 });
  });

  it('tells a folder from a file', async () => {
    expect(await observe({ kind: 'file', path: 'sub', check: 'exists' })).toMatchObject({ value: 1 });
    expect(await observe({ kind: 'file', path: 'sub', check: 'size' })).toMatchObject({ noData: 'failed' });
  });

  it.skipIf(process.platform === 'win32')('does not wait at a pipe', async () => {
    execFileSync('mkfifo', [path.join(root, 'pipe')]);
    for (const probe of [
      { kind: 'file', path: 'pipe', check: 'exists' },
      { kind: 'sql', database: 'pipe', query: 'SELECT 1' },
    ])
      expect(await observe(probe)).toMatchObject({ noData: 'failed', reason: 'it is no regular file' });
  });
});
