import { randomUUID } from 'node:crypto';
import { watch } from 'node:fs';
import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** The part of Node's file system that file approvals use. */
export interface ApprovalFileSystem {
  readonly link: typeof link;
  readonly mkdir: typeof mkdir;
  readonly open: typeof open;
  readonly readdir: typeof readdir;
  readonly readFile: typeof readFile;
  readonly stat: typeof stat;
  readonly unlink: typeof unlink;
  readonly watch: typeof watch;
}

export const nodeFileSystem: ApprovalFileSystem = { link, mkdir, open, readdir, readFile, stat, unlink, watch };

/**
 * Creates a file under one or more names, complete and durable or not at all. The first name decides: false when
 * somebody else has it. Further names that exist already are left alone. All names must be on one file system.
 */
export async function createAtomically(
  fileSystem: ApprovalFileSystem,
  temporaryDir: string,
  target: { readonly paths: readonly [string, ...string[]]; readonly dirs: readonly string[]; readonly text: string },
): Promise<boolean> {
  const temporary = join(temporaryDir, `${randomUUID()}.tmp`);
  try {
    await writeDurably(fileSystem, temporary, target.text);
    const [first, ...others] = target.paths;
    if (!(await linkUnlessTaken(fileSystem, temporary, first))) return false;
    for (const other of others) await linkUnlessTaken(fileSystem, temporary, other);
    for (const dir of target.dirs) await syncFolder(fileSystem, dir);
    return true;
  } finally {
    await fileSystem.unlink(temporary).catch(() => undefined);
  }
}

/** Writes a new file and waits for the disk. Rejects with `EEXIST` when there is one. */
export async function writeDurably(fileSystem: ApprovalFileSystem, path: string, text: string): Promise<void> {
  const file = await fileSystem.open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** False when the new name is taken. */
export async function linkUnlessTaken(fileSystem: ApprovalFileSystem, from: string, to: string): Promise<boolean> {
  try {
    await fileSystem.link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Makes new and removed names of a folder durable. Windows has no such call and needs none. */
export async function syncFolder(fileSystem: ApprovalFileSystem, dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await fileSystem.open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Undefined when there is no such file. */
export async function readIfThere(fileSystem: ApprovalFileSystem, path: string): Promise<string | undefined> {
  try {
    return await fileSystem.readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}
