import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system in memory that really ends after `bytes` (whole pages of 4,096) or `files`, where this user may mount one. */
export function mountSmallDisk(
  bytes: number,
  files = 1_000,
): { readonly path: string; readonly unmount: () => void } | { readonly reason: string } {
  if (process.platform !== 'linux') return { reason: `mounting a small disk is not tried on ${process.platform}` };
  const path = mkdtempSync(join(tmpdir(), 'genie-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},nr_inodes=${files}`, 'tmpfs', path], {
    encoding: 'utf8',
  });
  if (mounted.status !== 0) {
    rmdirSync(path);
    return { reason: `mount says ${JSON.stringify(mounted.stderr?.trim() || String(mounted.error))}` };
  }
  const unmount = () => {
    spawnSync('umount', ['-l', path]);
    rmdirSync(path);
  };
  return { path, unmount };
}
