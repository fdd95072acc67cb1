import { mkdir, mkdtemp, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

export interface StateFileStats {
  readonly files: number;
  readonly bytes: number;
  readonly saved: number;
  readonly restored: number;
  readonly failed: number;
}

interface StateFile {
  readonly path: string;
  readonly bytes: number;
  readonly tokens: number;
  lastUse: number;
}

export interface SaveRequest {
  readonly key: string;
  /** Tokens of the conversation. */
  readonly tokens: number;
  readonly estimatedBytes: number;
  /** Writes the state to a path. */
  write(path: string): Promise<unknown>;
}

/** Free space that is always left for others. */
const reservedBytes = 64 * 1024 * 1024;

/** A conversation that has grown by less since it was saved is not written again. */
const growthTokens = 64;

/**
 * KV states of evicted prefixes on disk, within a quota. Only files that this instance wrote are ever read, because a state of another model crashes
 * the native library: each instance has a fresh folder, which only its user can read, and removes it at the end. Folders of processes that were killed go
 * when the next one starts. Disk errors lose a state, never a request.
 */
export class StateFiles {
  /** Undefined: the disk was full, nothing is kept. */
  readonly #folder: string | undefined;
  readonly #maxBytes: number;
  readonly #files = new Map<string, StateFile>();
  #uses = 0;
  #saved = 0;
  #restored = 0;
  #failed = 0;

  private constructor(folder: string | undefined, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  static async open(folder: string, maxBytes: number): Promise<StateFiles> {
    try {
      await mkdir(folder, { recursive: true });
      await removeOrphans(folder);
      return new StateFiles(await mkdtemp(join(folder, `kv-${process.pid}-`)), maxBytes);
    } catch (error) {
      if (!['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return new StateFiles(undefined, 0);
    }
  }

  stats(): StateFileStats {
    const bytes = [...this.#files.values()].reduce((sum, file) => sum + file.bytes, 0);
    return { files: this.#files.size, bytes, saved: this.#saved, restored: this.#restored, failed: this.#failed };
  }

  /** Writes the state unless it is there already; false when it is not, because writing failed or it does not fit. */
  async save({ key, tokens, estimatedBytes, write }: SaveRequest): Promise<boolean> {
    const known = this.#files.get(key);
    if (known && tokens < known.tokens + growthTokens) return true;
    if (this.#folder === undefined) return false;
    const path = join(this.#folder, `${key}.kv`);
    try {
      await this.#drop(key);
      if (estimatedBytes > this.#maxBytes || !(await this.#makeRoom(this.#folder, estimatedBytes))) return false;
      await write(`${path}.part`);
      const { size } = await stat(`${path}.part`);
      await rename(`${path}.part`, path);
      this.#uses += 1;
      this.#files.set(key, { path, bytes: size, tokens, lastUse: this.#uses });
      this.#saved += 1;
      return true;
    } catch {
      this.#failed += 1;
      await rm(`${path}.part`, { force: true }).catch(() => undefined);
      return false;
    }
  }

  /** Lets `read` read the state; false when there is none or it is damaged. */
  async restore(key: string, read: (path: string) => Promise<void>): Promise<boolean> {
    const file = this.#files.get(key);
    if (!file) return false;
    try {
      const { size } = await stat(file.path);
      if (size !== file.bytes) throw new RangeError(`the state has ${size} bytes instead of ${file.bytes}`);
      await read(file.path);
      this.#uses += 1;
      file.lastUse = this.#uses;
      this.#restored += 1;
      return true;
    } catch {
      this.#failed += 1;
      await this.#drop(key);
      return false;
    }
  }

  async close(): Promise<void> {
    this.#files.clear();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #makeRoom(folder: string, bytes: number): Promise<boolean> {
    while (this.stats().bytes + bytes > this.#maxBytes) {
      const oldest = [...this.#files].sort(([, left], [, right]) => left.lastUse - right.lastUse)[0];
      if (!oldest) return false;
      await this.#drop(oldest[0]);
    }
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize > bytes + reservedBytes;
  }

  async #drop(key: string): Promise<void> {
    const file = this.#files.get(key);
    this.#files.delete(key);
    if (file) await rm(file.path, { force: true }).catch(() => undefined);
  }
}

/** Removes what processes left that could not clean up: states hold the text of conversations. */
async function removeOrphans(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number(/^kv-(\d+)-/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || pid === process.pid || isAlive(pid)) continue;
    await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process: it lives.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
