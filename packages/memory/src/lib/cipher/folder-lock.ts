import { closeSync, openSync, readFileSync, realpathSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { GenieError } from '@genie/core/errors';

const lockName = 'knowledge.lock';

interface LockContent {
  readonly pid: number;
  /** A copy of a folder brings the lock of the original along; its path tells. */
  readonly folder: string;
  /** The start of the system in which the process runs, where the system tells: after the next one its number belongs to another. */
  readonly boot?: string;
}

/**
 * Makes this process the only one that has the folder open; an encrypted memory lives in its process, so two would write past each other.
 * The lock of a process that is gone is taken over. Throws `GENIE_MEMORY_LOCKED`. Returns the release.
 */
export function lockFolder(folder: string): () => void {
  const file = path.join(folder, lockName);
  const real = realpathSync(folder);
  const boot = readBootId();
  for (let attempt = 0; attempt < 2; attempt += 1) {
    if (tryLock(file, { pid: process.pid, folder: real, ...(boot === undefined ? {} : { boot }) }))
      return () => rmSync(file, { force: true });
    const owner = readLock(file);
    const isOfThisBoot = owner?.boot === undefined || boot === undefined || owner.boot === boot;
    if (owner && owner.folder === real && isOfThisBoot && isAlive(owner.pid)) throw lockedError(folder, owner.pid);
    rmSync(file, { force: true });
  }
  throw lockedError(folder, undefined);
}

function tryLock(file: string, content: LockContent): boolean {
  let handle: number;
  try {
    handle = openSync(file, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  writeSync(handle, JSON.stringify(content));
  closeSync(handle);
  return true;
}

function readLock(file: string): LockContent | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LockContent;
  } catch {
    // Gone meanwhile, or cut by a crash: either way nobody holds it.
    return undefined;
  }
}

/** Linux: random(4). Elsewhere a process is known by its number alone. */
function readBootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function lockedError(folder: string, pid: number | undefined): GenieError {
  const owner = pid === undefined ? 'another process' : pid === process.pid ? 'this process' : `process ${pid}`;
  return new GenieError(
    'GENIE_MEMORY_LOCKED',
    `${folder} is encrypted and already open in ${owner}. Close it there first.`,
    {
      details: { folder, pid },
    },
  );
}
