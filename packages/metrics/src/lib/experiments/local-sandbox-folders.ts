import { constants, type Dirent } from 'node:fs';
import { copyFile, lstat, mkdir, readdir, readlink, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { describeThrown, GenieError } from '@genie/core/errors';
import type { CopyProgress, CreateCopyRequest, FolderCopy, FolderSandbox } from './sandbox-folders.ts';

/** Small files wait for the disk one by one, so several are copied at once. */
const concurrency = 16;
const progressEveryMs = 100;

/**
 * Copies on this machine's disk. Files are cloned (APFS, Btrfs, XFS, ReFS: blocks are shared, so a gigabyte takes a moment) or, where the
 * file system cannot, copied at the speed of the disk. Nothing is hard-linked: a write in place would reach the original. SQLite databases
 * that are in use are copied by SQLite's own backup. A copy under work has another name and is not listed.
 */
export function localFolderSandbox(root: string): FolderSandbox {
  const base = path.resolve(root);
  const folderOf = (id: string): string => path.join(base, checkId(id));
  return {
    capabilities: { sharesBlocks: true },
    async create(request) {
      const folder = folderOf(request.id);
      if (await exists(folder)) throw badId(request.id, 'is taken');
      const partial = `${folder}.partial`;
      try {
        await rm(partial, { recursive: true, force: true });
        await mkdir(partial, { recursive: true, mode: 0o700 });
        const counts = await copyTree(await realpath(request.from), partial, request);
        await rename(partial, folder);
        return { id: request.id, folder, ...counts };
      } catch (error) {
        await rm(partial, { recursive: true, force: true });
        request.signal?.throwIfAborted();
        if (GenieError.isInstance(error)) throw error;
        const message = `${request.from} could not be copied to ${folder}: ${describeThrown(error)}. Nothing was left behind; check free space and permissions.`;
        throw new GenieError('GENIE_EXPERIMENT_COPY', message, { cause: error, details: { from: request.from } });
      }
    },
    async list() {
      const entries = await readdir(base, { withFileTypes: true }).catch(() => [] as Dirent[]);
      const names = entries.filter((entry) => entry.isDirectory() && isId(entry.name)).map((entry) => entry.name);
      return Promise.all(
        names.sort().map(async (id) => {
          const folder = path.join(base, id);
          return { id, folder, createdAt: Math.round((await stat(folder)).ctimeMs) };
        }),
      );
    },
    async remove(id) {
      const folder = folderOf(id);
      const found = await exists(folder);
      await rm(folder, { recursive: true, force: true });
      await rm(`${folder}.partial`, { recursive: true, force: true });
      return found;
    },
  };
}

async function copyTree(
  from: string,
  to: string,
  request: CreateCopyRequest,
): Promise<Omit<FolderCopy, 'id' | 'folder'>> {
  const startedAt = performance.now();
  const found = await listTree(from, to);
  const counts = { files: 0, bytes: 0 };
  let reportedAt = startedAt;
  let next = 0;
  const report = (final: boolean): void => {
    if (!final && performance.now() - reportedAt < progressEveryMs) return;
    reportedAt = performance.now();
    request.onProgress?.({ ...counts } satisfies CopyProgress);
  };
  const worker = async (): Promise<void> => {
    for (let index = next++; index < found.files.length; index = next++) {
      request.signal?.throwIfAborted();
      const name = found.files[index] as string;
      const bytes = await copyOne(path.join(from, name), path.join(to, name));
      counts.bytes += bytes;
      counts.files += 1;
      report(false);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  report(true);
  return { ...counts, skipped: found.skipped, tookMs: performance.now() - startedAt };
}

interface Tree {
  readonly files: string[];
  readonly skipped: string[];
}

/** Makes the folders and inner links of the copy; the files follow. */
async function listTree(from: string, to: string): Promise<Tree> {
  const tree: Tree = { files: [], skipped: [] };
  const visit = async (relative: string): Promise<void> => {
    for (const entry of await readdir(path.join(from, relative), { withFileTypes: true })) {
      const name = path.join(relative, entry.name);
      if (entry.isDirectory()) {
        await mkdir(path.join(to, name), { recursive: true, mode: 0o700 });
        await visit(name);
      } else if (entry.isSymbolicLink()) await copyLink(from, to, name, tree);
      else if (entry.isFile()) tree.files.push(name);
      else tree.skipped.push(name);
    }
  };
  await visit('');
  // Side files of a database that is copied by backup would not fit the copy.
  const live = new Set(tree.files.filter((name) => name.endsWith('-wal')).map((name) => name.slice(0, -4)));
  const files = tree.files.filter((name) => !(isSideFile(name) && live.has(name.slice(0, -4))));
  return { files, skipped: tree.skipped };
}

function isSideFile(name: string): boolean {
  return name.endsWith('-wal') || name.endsWith('-shm');
}

/** Links inside the folder are made anew, relative; a link that leads out would break the isolation. */
async function copyLink(from: string, to: string, name: string, tree: Tree): Promise<void> {
  const target = path.resolve(path.dirname(path.join(from, name)), await readlink(path.join(from, name)));
  const real = await realpath(target).catch(() => target);
  const relative = path.relative(from, real);
  if (relative.startsWith('..') || path.isAbsolute(relative)) {
    tree.skipped.push(name);
    return;
  }
  const place = path.join(to, name);
  await symlink(path.relative(path.dirname(place), path.join(to, relative)) || '.', place);
}

async function copyOne(from: string, to: string): Promise<number> {
  const wal = await lstat(`${from}-wal`).catch(() => undefined);
  if (wal !== undefined && wal.size > 0) {
    const source = new DatabaseSync(from, { readOnly: true });
    try {
      await backup(source, to);
    } finally {
      source.close();
    }
  } else {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
  return (await stat(to)).size;
}

async function exists(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined)) !== undefined;
}

function isId(id: string): boolean {
  return /^[\w-]{1,100}$/.test(id);
}

function checkId(id: string): string {
  if (isId(id)) return id;
  throw badId(id, 'is no name of letters, digits, dashes and underscores');
}

function badId(id: string, why: string): GenieError {
  return new GenieError('GENIE_EXPERIMENT_ID', `The copy name ${JSON.stringify(id)} ${why}.`, { details: { id } });
}
