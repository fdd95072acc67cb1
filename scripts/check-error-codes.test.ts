import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkErrorCodes } from './check-error-codes.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'genie-codes-'));
  mkdirSync(path.join(root, 'docs'));
  mkdirSync(path.join(root, 'packages/core/src'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(source: string, page: string) {
  writeFileSync(path.join(root, 'packages/core/src/a.ts'), source);
  writeFileSync(path.join(root, 'docs/error-codes.md'), page);
  return checkErrorCodes(root);
}

describe('checkErrorCodes', () => {
  it('is content when codes and headings meet', () => {
    expect(write(`throw new GenieError('GENIE_A', '…')`, '### `GENIE_A`\n')).toEqual({ codes: 1, problems: [] });
  });

  it('finds a code without a heading', () => {
    expect(write(`throw new GenieError('GENIE_A', '…')`, '').problems).toEqual([
      expect.stringContaining('GENIE_A has no heading'),
    ]);
  });

  it('finds a heading without a code', () => {
    expect(write('', '### `GENIE_OLD`\n').problems).toEqual([expect.stringContaining('GENIE_OLD is thrown nowhere')]);
  });
});
