import { closeSync, constants, fstatSync, openSync, realpathSync, type Stats } from 'node:fs';
import { GenieError } from '@genie/core/errors';
import { splitConfinedPath } from './confined-path.ts';
import { createWalk, type FolderHandle, type FolderWalk } from './folder-walk.ts';
import { type FolderListing, listFolder, listFolderInTurns } from './list-folder.ts';

/** An open regular file; whoever opened it closes it. */
export interface ConfinedFile {
  readonly fd: number;
  readonly stats: Stats;
  close(): void;
}

export interface ConfinedFolderOptions {
  /** Refuse files with more than one name (hard links). Default true; switch it off for folders only people write to. */
  readonly refuseHardLinks?: boolean;
  /** Default the best this system has. */
  readonly grade?: ConfinedFolder['grade'];
}

/**
 * A folder whose files are reached one name at a time from an open descriptor, never through a resolved path, so that
 * no link and no race leads out of it. Errors by code: `GENIE_PATH_OUTSIDE` (a link, `..`), `GENIE_PATH_INVALID`,
 * `GENIE_FILE_MISSING`, `GENIE_FILE_KIND` (not a regular file, or a hard link), `GENIE_FILE_ACCESS`.
 */
export interface ConfinedFolder {
  /** Real absolute path. */
  readonly path: string;
  /** `descriptors`: no race leads out. `names` (no `/proc`): links are refused, but a racing writer might win. */
  readonly grade: 'descriptors' | 'names';
  openFile(path: string): ConfinedFile;
  /** Entries of a folder below (`''` for the folder itself), in name order, links included as links. */
  list(path: string, options?: { readonly maxEntries?: number }): FolderListing;
  /** As `list`; other work goes on meanwhile. */
  listInTurns(path: string, options?: { readonly maxEntries?: number }): Promise<FolderListing>;
  /** Calls back with the open parent folder and the last name; the place where files are written. */
  within<Result>(
    path: string,
    use: (parent: FolderHandle, name: string) => Result,
    options?: { readonly create?: boolean },
  ): Result;
  /** Calls back with the open descriptor of a folder below, for a program that is to work in it. Only in the grade `descriptors`. */
  atFolder<Result>(path: string, use: (descriptor: number) => Promise<Result>): Promise<Result>;
  close(): void;
}

/** Opens a folder for confined access. Throws `GENIE_FILE_MISSING` or `GENIE_FILE_KIND` when it is no folder. */
export function openConfinedFolder(path: string, options: ConfinedFolderOptions = {}): ConfinedFolder {
  const real = realFolder(path);
  const walk = createWalk(real, options.grade);
  const refuseHardLinks = options.refuseHardLinks ?? true;
  const within: ConfinedFolder['within'] = (inner, use, { create = false } = {}) => {
    const names = splitConfinedPath(inner);
    const last = names.pop();
    if (last === undefined) throw kindError(inner, 'it is the folder itself');
    const parent = walkDown(walk, names, inner, create);
    try {
      return use(parent, last);
    } catch (error) {
      throw explain(error, inner);
    } finally {
      if (parent !== walk.root) parent.close();
    }
  };
  return {
    path: real,
    grade: walk.grade,
    within,
    openFile: (inner) => within(inner, (parent, name) => openRegular(parent, name, { inner, refuseHardLinks })),
    list(inner, listOptions = {}) {
      const folder = walkDown(walk, splitConfinedPath(inner), inner, false);
      try {
        return listFolder(folder, listOptions.maxEntries ?? maxListed);
      } catch (error) {
        throw explain(error, inner);
      } finally {
        if (folder !== walk.root) folder.close();
      }
    },
    async listInTurns(inner, listOptions = {}) {
      const folder = walkDown(walk, splitConfinedPath(inner), inner, false);
      try {
        return await listFolderInTurns(folder, listOptions.maxEntries ?? maxListed);
      } catch (error) {
        throw explain(error, inner);
      } finally {
        if (folder !== walk.root) folder.close();
      }
    },
    async atFolder(inner, use) {
      const folder = walkDown(walk, splitConfinedPath(inner), inner, false);
      try {
        return await use(Number(/\d+$/.exec(folder.path)?.[0]));
      } finally {
        if (folder !== walk.root) folder.close();
      }
    },
    close: () => walk.root.close(),
  };
}

const maxListed = 100_000;
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants;

function openRegular(
  parent: FolderHandle,
  name: string,
  about: { inner: string; refuseHardLinks: boolean },
): ConfinedFile {
  // O_NONBLOCK: opening a FIFO without a writer must not hang the process.
  const fd = openSync(parent.child(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile())
      throw kindError(about.inner, stats.isDirectory() ? 'it is a folder' : 'it is a device, socket or pipe');
    if (about.refuseHardLinks && stats.nlink > 1)
      throw kindError(about.inner, `it has ${stats.nlink} names (hard links)`);
    parent.verify?.(name, stats);
    return { fd, stats, close: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function walkDown(walk: FolderWalk, names: readonly string[], path: string, create: boolean): FolderHandle {
  let folder = walk.root;
  for (const name of names) {
    try {
      const next = folder.open(name, create);
      if (folder !== walk.root) folder.close();
      folder = next;
    } catch (error) {
      if (folder !== walk.root) folder.close();
      throw explain(error, path);
    }
  }
  return folder;
}

function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw explain(error, path);
  }
}

function kindError(path: string, what: string): GenieError {
  return new GenieError(
    'GENIE_FILE_KIND',
    `${JSON.stringify(path)} cannot be used as a file: ${what}. Name a regular file with one name.`,
  );
}

/** Turns what the system says into the words of this port. */
function explain(error: unknown, path: string): unknown {
  if (GenieError.isInstance(error)) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code;
  const shown = JSON.stringify(path.slice(0, 200));
  if (code === 'ENOENT')
    return new GenieError('GENIE_FILE_MISSING', `${shown} does not exist: list the folder to see what does.`, {
      cause: error,
    });
  if (code === 'ELOOP' || code === 'EMLINK')
    return new GenieError(
      'GENIE_PATH_OUTSIDE',
      `${shown} is or passes a symbolic link, which is never followed: name the real file.`,
      { cause: error },
    );
  if (code === 'ENOTDIR')
    return new GenieError(
      'GENIE_PATH_OUTSIDE',
      `${shown} passes something that is not a real folder (a file or a link): name a real path.`,
      { cause: error },
    );
  if (code === 'EACCES' || code === 'EPERM')
    return new GenieError('GENIE_FILE_ACCESS', `${shown} may not be opened: the system refuses access.`, {
      cause: error,
    });
  if (code === 'ENXIO' || code === 'EISDIR' || code === 'ENODEV')
    return kindError(path, 'it is a device, socket, pipe or folder');
  if (code === undefined) return error;
  return new GenieError('GENIE_FILE_FAILED', `${shown}: ${(error as Error).message}`, { cause: error });
}
