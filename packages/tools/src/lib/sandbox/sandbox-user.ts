import { closeSync, fchownSync, lchownSync, lstatSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { GenieError } from '@genie/core/errors';

export interface SandboxUser {
  readonly uid: number;
  readonly gid: number;
}

/** An ordinary id without an entry in any user table, for a runtime that runs as root. */
export const defaultUser: SandboxUser = { uid: 65532, gid: 65532 };

/**
 * Which real user a command runs as. A runtime that is not root uses its own (undefined: nothing to switch). As root the
 * process drops to a real other user before bwrap starts: `bwrap --uid` alone keeps root outside. That is the owner of
 * the workspace, else `runAs`, to whom a workspace owned by root is then handed over.
 * Throws `GENIE_SANDBOX_UNAVAILABLE` when `runAs` is root.
 */
export function sandboxUser(
  workspace: string,
  currentUid: number,
  runAs: SandboxUser | undefined,
): SandboxUser | undefined {
  if (currentUid !== 0) return undefined;
  const owner = lstatSync(workspace);
  const user = runAs ?? (owner.uid === 0 ? defaultUser : { uid: owner.uid, gid: owner.gid });
  if (user.uid === 0 || user.gid === 0) {
    throw new GenieError(
      'GENIE_SANDBOX_UNAVAILABLE',
      `Commands may not run as root (runAs ${user.uid}:${user.gid}): pass another user.`,
    );
  }
  if (owner.uid === 0) handOver(workspace, user);
  return user;
}

/** Gives the workspace, and what root owns in it, to the user. Links are changed themselves, hard links are left alone. */
function handOver(workspace: string, user: SandboxUser): void {
  const folder = openSync(workspace, 'r');
  try {
    fchownSync(folder, user.uid, user.gid);
  } finally {
    closeSync(folder);
  }
  const open = [workspace];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const entry of readdirSync(next, { withFileTypes: true })) {
      const path = join(next, entry.name);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats?.uid !== 0 || (!stats.isDirectory() && stats.nlink > 1)) continue;
      lchownSync(path, user.uid, user.gid);
      if (stats.isDirectory()) open.push(path);
    }
  }
}
