import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { describeThrown, GenieError } from '@genie/core/errors';
import type { CommitSink } from '../store/commit-sink.ts';
import type { Durability, SqliteDatabase } from '../store/sqlite-database.ts';
import type { FileCipher } from './file-cipher.ts';

const snapshotName = 'knowledge.db.sealed';
const snapshotIdBytes = 16;
/** A log this long is folded into the snapshot. */
const maxLogBytes = 16 * 1024 * 1024;

export interface SealedLog extends CommitSink {
  /** True when there was nothing on disk: the caller makes the schema and calls `snapshot`. */
  readonly isNew: boolean;
  /** Writes the whole database, under the newest key, and starts an empty log. */
  snapshot(): void;
}

export interface SealedLogOptions {
  /** The connection under the database, for changesets and images. */
  readonly connection: DatabaseSync;
  readonly folder: string;
  readonly cipher: FileCipher;
  readonly durability: Durability;
  readonly onClose?: () => void;
}

/**
 * Keeps an in-memory database on disk, encrypted: a snapshot, and a log with the changeset of every commit after it
 * (https://www.sqlite.org/sessionintro.html). A frame is authenticated with its place in the log of its snapshot, so frames cannot be left out,
 * moved or taken from elsewhere; only the cut of the very last one, which a crash leaves behind, is repaired.
 */
export function openSealedLog(database: SqliteDatabase, options: SealedLogOptions): SealedLog {
  return new Log(database, options);
}

class Log implements SealedLog {
  readonly #database: SqliteDatabase;
  readonly #options: SealedLogOptions;
  readonly #cipher: FileCipher;
  #snapshotId = '';
  #file: number | undefined;
  #lengthBytes = 0;
  #frames = 0;
  #session: ReturnType<DatabaseSync['createSession']> | undefined;

  constructor(database: SqliteDatabase, options: SealedLogOptions) {
    this.#database = database;
    this.#options = options;
    this.#cipher = options.cipher;
    const snapshot = readIfThere(path.join(options.folder, snapshotName));
    if (snapshot) this.#restore(snapshot);
  }

  get isNew(): boolean {
    return this.#snapshotId === '';
  }

  begin(): void {
    this.#session = this.#options.connection.createSession();
  }

  beforeCommit(): void {
    const changes = this.#session?.changeset() ?? new Uint8Array();
    this.abort();
    if (changes.length > 0) this.#append(changes);
  }

  abort(): void {
    this.#session?.close();
    this.#session = undefined;
  }

  async scrub(): Promise<void> {
    this.#database.exec('VACUUM');
    this.snapshot();
  }

  async close(): Promise<void> {
    if (this.#frames > 0) this.snapshot();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#options.onClose?.();
  }

  afterCommit(): void {
    if (this.#lengthBytes > maxLogBytes) this.snapshot();
  }

  /** A crash in between leaves the old pair or the new one. */
  snapshot(): void {
    const { folder } = this.#options;
    const id = randomBytes(snapshotIdBytes);
    const content = Buffer.concat([id, this.#options.connection.serialize()]);
    const file = path.join(folder, snapshotName);
    const temporary = `${file}.tmp`;
    const handle = openSync(temporary, 'w');
    try {
      writeAll(handle, this.#cipher.encrypt(content, 'snapshot'));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
    if (this.#file !== undefined) closeSync(this.#file);
    this.#snapshotId = id.toString('hex');
    this.#openLog();
    removeOtherLogs(folder, this.#snapshotId);
  }

  #restore(sealed: Uint8Array): void {
    const content = this.#cipher.decrypt(sealed, 'snapshot');
    this.#snapshotId = Buffer.from(content.subarray(0, snapshotIdBytes)).toString('hex');
    try {
      this.#options.connection.deserialize(content.subarray(snapshotIdBytes));
    } catch (error) {
      throw new GenieError('GENIE_MEMORY_CORRUPT', `The snapshot does not hold a database: ${describeThrown(error)}`, {
        cause: error,
      });
    }
    this.#openLog();
    removeOtherLogs(this.#options.folder, this.#snapshotId);
  }

  #logPath(): string {
    return path.join(this.#options.folder, `knowledge.${this.#snapshotId}.log`);
  }

  #openLog(): void {
    const bytes = readIfThere(this.#logPath()) ?? new Uint8Array();
    this.#frames = 0;
    this.#lengthBytes = this.#replay(bytes);
    this.#file = openSync(this.#logPath(), 'a');
    if (this.#lengthBytes < bytes.length) ftruncateSync(this.#file, this.#lengthBytes);
  }

  /** Applies the frames; returns how many bytes of the log are whole. */
  #replay(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    while (at + 4 <= bytes.length) {
      const end = at + 4 + view.getUint32(at);
      if (end > bytes.length) break;
      const changes = this.#cipher.decrypt(bytes.subarray(at + 4, end), this.#framePurpose());
      const applied = this.#options.connection.applyChangeset(changes);
      if (!applied)
        throw new GenieError(
          'GENIE_MEMORY_CORRUPT',
          `Frame ${this.#frames} of the encrypted log does not fit its snapshot.`,
        );
      this.#frames += 1;
      at = end;
    }
    return at;
  }

  #framePurpose(): string {
    return `log:${this.#snapshotId}:${this.#frames}`;
  }

  #append(changes: Uint8Array): void {
    if (this.#file === undefined)
      throw new GenieError('GENIE_MEMORY_CLOSED', 'The memory is closed. Open it again with openMemory().');
    const sealed = this.#cipher.encrypt(changes, this.#framePurpose());
    const frame = Buffer.alloc(4 + sealed.length);
    frame.writeUInt32BE(sealed.length, 0);
    frame.set(sealed, 4);
    try {
      writeAll(this.#file, frame);
      if (this.#options.durability === 'power') fdatasyncSync(this.#file);
    } catch (error) {
      ftruncateSync(this.#file, this.#lengthBytes);
      throw new GenieError('GENIE_MEMORY_STORE', `The encrypted log cannot be written: ${describeThrown(error)}`, {
        cause: error,
      });
    }
    this.#frames += 1;
    this.#lengthBytes += frame.length;
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function readIfThere(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new GenieError('GENIE_MEMORY_STORE', `${file} cannot be read: ${describeThrown(error)}`, { cause: error });
  }
}

function removeOtherLogs(folder: string, snapshotId: string): void {
  for (const name of readdirSync(folder)) {
    if (/^knowledge\.[0-9a-f]{32}\.log$/.test(name) && !name.includes(snapshotId))
      rmSync(path.join(folder, name), { force: true });
  }
}
