import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openConfinedFolder } from '../confine/confined-folder.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { createQuota } from './workspace-quota.ts';

describe('createQuota', () => {
  it('counts what is there once for writes at the same time, and again when it seems full', async () => {
    using workspace = temporaryFolder();
    workspace.write('old', 'x'.repeat(60));
    let counts = 0;
    const quota = createQuota(100, () => {
      counts += 1;
      return openConfinedFolder(workspace.path);
    });
    const take = (bytes: number) => quota.around(() => quota.reserve(bytes));
    await Promise.all([take(10), take(10), take(10)]);
    expect(counts).toBe(1);
    workspace.write('new', 'x'.repeat(30));
    await expect(take(20)).rejects.toMatchObject({ code: 'GENIE_WORKSPACE_FULL' });
    expect(counts).toBe(2);
    rmSync(join(workspace.path, 'old'));
    await take(20);
    expect(counts).toBe(3);
  });

  it('lets other work go on while it counts many files', async () => {
    using workspace = temporaryFolder();
    for (let index = 0; index < 5_000; index += 1) workspace.write(`f${index}`, '');
    const quota = createQuota(1_000, () => openConfinedFolder(workspace.path));
    let turns = 0;
    const other = setInterval(() => {
      turns += 1;
    }, 0);
    await quota.around(() => quota.reserve(1));
    clearInterval(other);
    expect(turns).toBeGreaterThan(0);
  });
});
