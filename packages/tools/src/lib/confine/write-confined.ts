import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { GenieError } from '@genie/core/errors';
import type { ConfinedFolder } from './confined-folder.ts';
import type { FolderHandle } from './folder-walk.ts';

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = constants;

/**
 * Replaces or creates a file below a confined folder, whole or not at all: a new file is written beside it under a name
 * nobody knows and renamed over it. Missing folders are made. A link, folder, device or hard link of that name is refused.
 * The mode of the old file is kept (without set-id bits); as root the file gets the owner of its folder.
 * Errors by code: those of {@link ConfinedFolder}.
 */
export function writeConfined(folder: ConfinedFolder, path: string, content: Uint8Array): void {
  folder.within(path, (parent, name) => replaceFile(parent, name, content), { create: true });
}

function replaceFile(parent: FolderHandle, name: string, content: Uint8Array): void {
  const before = existing(parent, name);
  const temporary = parent.child(`.genie-${randomUUID()}`);
  const file = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    writeAll(file, content);
    fchmodSync(file, before ? before.mode & 0o777 : 0o644);
    if (process.getuid?.() === 0) giveToOwner(file, parent);
    fsyncSync(file);
    closeSync(file);
    renameSync(temporary, parent.child(name));
  } catch (error) {
    tryQuietly(() => closeSync(file));
    tryQuietly(() => unlinkSync(temporary));
    throw error;
  }
}

function existing(parent: FolderHandle, name: string): Stats | undefined {
  const stats = lstatSync(parent.child(name), { throwIfNoEntry: false });
  if (!stats) return undefined;
  if (stats.isSymbolicLink()) throw Object.assign(new Error('a symbolic link'), { code: 'ELOOP' });
  if (!stats.isFile() || stats.nlink > 1) {
    throw new GenieError(
      'GENIE_FILE_KIND',
      `${JSON.stringify(name)} is ${stats.isFile() ? `a file of ${stats.nlink} names (hard links)` : 'a folder or special file'}: choose another name.`,
    );
  }
  return stats;
}

function giveToOwner(file: number, parent: FolderHandle): void {
  const owner = statSync(parent.path);
  if (owner.uid !== 0) fchownSync(file, owner.uid, owner.gid);
}

function writeAll(file: number, content: Uint8Array): void {
  for (let written = 0; written < content.length; ) written += writeSync(file, content, written);
}

function tryQuietly(action: () => void): void {
  try {
    action();
  } catch {
    // The first error is the one that counts.
  }
}

/** Deletes a file, or the link itself, below a confined folder. Throws `GENIE_FILE_MISSING` and, for folders, `GENIE_FILE_KIND`. */
export function deleteConfined(folder: ConfinedFolder, path: string): void {
  folder.within(path, (parent, name) => {
    const stats = lstatSync(parent.child(name));
    if (stats.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
    unlinkSync(parent.child(name));
  });
}
