import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isRow } from './measure-row.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'genie-measure-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('npm run bench and npm run soak', () => {
  it('end with one line of JSON, whatever a file prints', () => {
    const row = { id: 'a.b', what: 'something', value: 1.5, unit: 'µs', reach: '≤ 2', ok: true };
    const file = bench('good.ts', `console.log('noise'); log('more'); return [${JSON.stringify(row)}];`);
    const { status, stdout } = run('--json', '--file', file);
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${JSON.stringify([row])}\n` });
    expect(run('--file', file).stdout).toMatch(/CPU|×[\s\S]*Node 24[\s\S]*noise[\s\S]*✓ {2}a\.b/);
  });

  it('report a file that throws or returns something else, and fail', () => {
    for (const body of ["throw new Error('boom');", 'return [{ id: 1 }];']) {
      const { status, stdout, stderr } = run('--json', '--file', bench('bad.ts', body));
      expect({ status, stdout }).toEqual({ status: 1, stdout: '[]\n' });
      expect(stderr).toContain('bad.ts failed');
    }
  });

  it('refuse an area that does not exist', () => {
    expect(run('nope')).toMatchObject({ status: 2, stderr: expect.stringContaining('There is no area "nope"') });
  });
});

describe('isRow', () => {
  it('asks for finite numbers, because JSON has no others', () => {
    expect(isRow({ id: 'a', what: 'b', value: Number.NaN, unit: 's', reach: null, ok: true })).toBe(false);
  });
});

function bench(name: string, body: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, `export async function bench({ log }: { log(line: string): void }) { void log; ${body} }\n`);
  return file;
}

function run(...args: string[]) {
  return spawnSync(process.execPath, [...process.execArgv, path.join(import.meta.dirname, 'bench.ts'), ...args], {
    encoding: 'utf8',
  });
}
