import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readTextIfAny } from '../store/atomic-file.ts';

/** Which process conducts an experiment, so that another one does not take it for abandoned. */
export interface Owners {
  claim(id: string): void;
  release(id: string): void;
  /** True while the process that claimed it lives; a process of the same number counts, which only delays the clean-up. */
  isAlive(id: string): boolean;
}

export function createOwners(dir: string): Owners {
  const folder = path.join(dir, 'running');
  const fileOf = (id: string): string => path.join(folder, `${id}.pid`);
  return {
    claim(id) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(fileOf(id), String(process.pid), { mode: 0o600 });
    },
    release: (id) => rmSync(fileOf(id), { force: true }),
    isAlive(id) {
      const pid = Number(readTextIfAny(fileOf(id)) ?? 0);
      // Own claims are known to `openExperiments` better than to a file that an earlier process of this number may have left.
      return Number.isSafeInteger(pid) && pid > 0 && pid !== process.pid && exists(pid);
    },
  };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is alive all the same.
    return (error as { code?: unknown }).code === 'EPERM';
  }
}
