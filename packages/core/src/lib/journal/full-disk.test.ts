import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openJournal } from './file-journal.ts';
import { readRun } from './inspect-runs.ts';

const probe = mountSmallDisk();
if ('reason' in probe) console.log(`A really full disk is not tested here: ${probe.reason}`);
else probe.unmount();

describe('a journal on a disk that is really full', () => {
  it.skipIf('reason' in probe).each(['process', 'power'] as const)(
    'fails with its code and resumes once there is room (%s)',
    async (durability) => {
      const disk = mountSmallDisk();
      if ('reason' in disk) throw new Error(disk.reason);
      onTestFinished(disk.unmount);
      const dir = join(disk.path, 'journal');
      const ballast = join(disk.path, 'ballast');
      fs.writeFileSync(ballast, Buffer.alloc(1_500_000));
      const journal = openJournal({ dir, durability });
      const run = await journal.open('run_1');
      let accepted = 0;
      const fill = async () => {
        for (; accepted < 5_000; accepted += 1) {
          run.append({
            kind: 'result',
            callId: `call-${accepted}`,
            status: 'completed',
            output: 'x'.repeat(2_000),
            tookMs: 1,
          });
          await run.settled();
        }
      };
      await expect(fill()).rejects.toMatchObject({ code: 'GENIE_JOURNAL_FAILED', details: { system: 'ENOSPC' } });
      await journal.close().catch(() => undefined);
      fs.rmSync(ballast);
      const again = openJournal({ dir, durability });
      const resumed = await again.open('run_1');
      expect(resumed.recorded.length).toBeGreaterThanOrEqual(accepted);
      resumed.append({ kind: 'suspended', at: 1, approvalIds: [] });
      await resumed.settled();
      await again.close();
      expect(readRun(dir, 'run_1').at(-1)).toMatchObject({ kind: 'suspended' });
    },
  );
});

/** A file system of 4 MiB in memory, where this user may mount one. */
function mountSmallDisk(): { readonly path: string; unmount(): void } | { readonly reason: string } {
  if (process.platform !== 'linux') return { reason: `mounting a small disk is not tried on ${process.platform}` };
  const path = fs.mkdtempSync(join(tmpdir(), 'genie-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    fs.rmdirSync(path);
    return { reason: `mount says ${JSON.stringify(mounted.stderr?.trim() || String(mounted.error))}` };
  }
  return {
    path,
    unmount() {
      spawnSync('umount', ['-l', path]);
      fs.rmdirSync(path);
    },
  };
}
