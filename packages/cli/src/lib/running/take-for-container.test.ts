import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { homeFolders } from '@genie/core/home';
import { takeLease } from '@genie/core/journal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeForContainer } from './take-for-container.ts';

describe('takeForContainer', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'genie-home-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  it('has one holder at a time, and keeps the genie inside from nothing', () => {
    const first = takeForContainer(home);
    expect(() => takeForContainer(home)).toThrow(expect.objectContaining({ code: 'GENIE_HOME_IN_USE' }));
    takeLease(homeFolders(home).journal, Date.now()).release();
    first.release();
    takeForContainer(home).release();
  });

  it('refuses a home that a process of this machine runs in', () => {
    const running = takeLease(homeFolders(home).journal, Date.now());
    expect(() => takeForContainer(home)).toThrow(expect.objectContaining({ code: 'GENIE_HOME_IN_USE' }));
    running.release();
    takeForContainer(home).release();
  });
});
