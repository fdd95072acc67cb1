import {
  closeSync,
  constants,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { GenieError } from '@genie/core/errors';

/** An open folder, one step of a walk. */
export interface FolderHandle {
  /** A path that names this very folder, whatever happens to its name. */
  readonly path: string;
  child(name: string): string;
  /** Steps down. Throws the system's error (`ELOOP` or `ENOTDIR` for a link). */
  open(name: string, create: boolean): FolderHandle;
  /** Only in the weaker grade: compares an opened file with what its name shows now. */
  verify?(name: string, stats: Stats): void;
  close(): void;
}

export interface FolderWalk {
  readonly grade: 'descriptors' | 'names';
  readonly root: FolderHandle;
}

/** Starts a walk at a real folder. Descriptors where the system has `/proc/self/fd`, names elsewhere. */
export function createWalk(root: string, wanted?: FolderWalk['grade']): FolderWalk {
  const byDescriptor = process.platform === 'linux' && existsSync('/proc/self/fd');
  return byDescriptor && wanted !== 'names'
    ? { grade: 'descriptors', root: descriptorHandle(openSync(root, folderFlags & ~O_NOFOLLOW)) }
    : { grade: 'names', root: nameHandle(root, lstatSync(root)) };
}

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0 } = constants;
/** Linux only, not among Node's constants: a descriptor that is good for walking but not for reading (open(2)). */
const O_PATH = 0o10000000;
const folderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_PATH;

function descriptorHandle(fd: number): FolderHandle {
  const path = `/proc/self/fd/${fd}`;
  let open = true;
  return {
    path,
    child: (name) => `${path}/${name}`,
    open(name, create) {
      const child = `${path}/${name}`;
      if (create) makeFolder(child, path);
      return descriptorHandle(openSync(child, folderFlags));
    },
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

function nameHandle(path: string, before: Stats): FolderHandle {
  return {
    path,
    child(name) {
      const now = lstatSync(path);
      if (now.ino !== before.ino || now.dev !== before.dev) throw changed(path);
      return join(path, name);
    },
    open(name, create) {
      const child = this.child(name);
      if (create) makeFolder(child, path);
      const stats = lstatSync(child);
      if (!stats.isDirectory()) throw notAFolder(child);
      return nameHandle(child, stats);
    },
    verify(name, stats) {
      const now = lstatSync(this.child(name));
      if (now.isSymbolicLink() || now.ino !== stats.ino || now.dev !== stats.dev) throw changed(join(path, name));
    },
    close: () => undefined,
  };
}

/** As root the new folder gets the owner of the one it is in, so that commands of the sandbox may use it too. */
function makeFolder(path: string, parent: string): void {
  try {
    mkdirSync(path, { mode: 0o755 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  if (process.getuid?.() !== 0) return;
  const owner = statSync(parent);
  if (owner.uid !== 0) lchownSync(path, owner.uid, owner.gid);
}

function notAFolder(path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`not a folder: ${path}`), { code: 'ENOTDIR' });
}

function changed(path: string): GenieError {
  return new GenieError(
    'GENIE_PATH_OUTSIDE',
    `${path} changed while it was opened: try again when nothing else writes there.`,
  );
}
