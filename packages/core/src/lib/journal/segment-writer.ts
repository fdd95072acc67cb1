import { describeThrown, GenieError } from '../genie-error.ts';
import type { FileSystem } from './file-system.ts';
import { maxRecordBytes, writeRecord } from './record-codec.ts';

export interface SegmentWriterOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly durability: 'process' | 'power';
}

export interface SegmentFile {
  readonly path: string;
  /** Bytes that are already in the file; writing goes on behind them. */
  readonly size: number;
  readonly isNew: boolean;
}

interface Batch {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

/** Extending a file makes every fdatasync write its inode too; zeros ahead of the end avoid that. */
const preallocationBytes = 1024 * 1024;

/**
 * Appends records to one segment file after another. A record is handed to the operating system at once (that survives
 * kill -9) or, under many concurrent runs, once per turn of the event loop. For `power`, one background fdatasync is in
 * flight at a time and everybody who waits shares the next one, so the JS thread never blocks on the disk's cache.
 * The first failed write or sync is fatal: after it nothing can be promised any more.
 */
export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  #descriptor = -1;
  #size = 0;
  #allocated = 0;
  #buffer = Buffer.allocUnsafe(64 * 1024);
  #pending = 0;
  #appended = 0;
  #synced = 0;
  #flushScheduled = false;
  #syncScheduled = false;
  #flushBatch: Batch | undefined;
  #syncing = false;
  #syncBatch: Batch | undefined;
  #retired: number[] = [];
  #directoryDirty = false;
  #failure: GenieError | undefined;
  /** Set by the owner: under many concurrent runs, writes are gathered for one turn of the event loop. */
  gather = false;

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
  }

  /** Bytes of the current segment, pending ones included. */
  get size(): number {
    return this.#size + this.#pending;
  }

  /** Hands everything to the operating system, so that whoever reads the file sees it. Throws `GENIE_JOURNAL_FAILED`. */
  flush(): void {
    if (this.#failure) throw this.#failure;
    this.#flush();
  }

  /** Goes on in another file. The former one is synced and closed in the background. */
  use(file: SegmentFile): void {
    this.#flush();
    if (this.#descriptor >= 0) this.#retire();
    try {
      this.#descriptor = this.#options.fileSystem.openSync(file.path, file.isNew ? 'wx+' : 'r+', 0o600);
    } catch (error) {
      throw this.#fail(error);
    }
    this.#size = file.size;
    this.#allocated = file.size;
    this.#directoryDirty ||= file.isNew;
  }

  /** Appends one record; returns its offset in the current segment and its length. */
  append(body: string): { readonly offset: number; readonly length: number } {
    if (this.#failure) throw this.#failure;
    const needed = this.#pending + maxRecordBytes(body.length);
    if (needed > this.#buffer.length) this.#grow(needed);
    const offset = this.#size + this.#pending;
    const end = writeRecord(this.#buffer, this.#pending, body);
    const length = end - this.#pending;
    this.#pending = end;
    this.#appended += 1;
    if (!this.gather) this.#flush();
    else this.#scheduleFlush();
    if (this.#options.durability === 'power') this.#scheduleSync();
    return { offset, length };
  }

  /** Resolves when everything appended so far has the declared durability; `undefined` when it already has. */
  settled(): Promise<void> | undefined {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#options.durability === 'process') {
      if (this.#pending === 0) return undefined;
      this.#flushBatch ??= createBatch();
      return this.#flushBatch.promise;
    }
    if (this.#synced === this.#appended && this.#pending === 0) return undefined;
    this.#syncBatch ??= createBatch();
    const { promise } = this.#syncBatch;
    if (!this.#syncing) this.#startSync();
    return promise;
  }

  async close(): Promise<void> {
    if (this.#descriptor < 0) return;
    if (!this.#failure) {
      this.#flush();
      await this.settled();
    }
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    this.#failure ??= new GenieError(
      'GENIE_JOURNAL_CLOSED',
      `The journal in ${this.#options.directory} is closed. Open it again.`,
    );
    if (this.#allocated > this.#size) this.#options.fileSystem.ftruncateSync(descriptor, this.#size);
    this.#options.fileSystem.closeSync(descriptor);
    for (const retired of this.#retired.splice(0)) this.#options.fileSystem.closeSync(retired);
  }

  #flush(): void {
    if (this.#pending === 0 || this.#failure) return;
    const { fileSystem, durability } = this.#options;
    try {
      if (durability === 'power' && this.#size + this.#pending > this.#allocated) this.#preallocate();
      let written = 0;
      while (written < this.#pending) {
        written += fileSystem.writeSync(
          this.#descriptor,
          this.#buffer,
          written,
          this.#pending - written,
          this.#size + written,
        );
      }
      this.#size += written;
      this.#pending = 0;
      if (this.#size > this.#allocated) this.#allocated = this.#size;
    } catch (error) {
      this.#fail(error);
    }
    const batch = this.#flushBatch;
    this.#flushBatch = undefined;
    if (this.#failure) batch?.reject(this.#failure);
    else batch?.resolve();
    if (this.#failure) throw this.#failure;
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      try {
        this.#flush();
      } catch {
        // Kept in `#failure`, and met by the next append or settled.
      }
    });
  }

  /** Records nobody waits for are synced too, soon: a tool's result while the model thinks. */
  #scheduleSync(): void {
    if (this.#syncScheduled) return;
    this.#syncScheduled = true;
    setImmediate(() => {
      this.#syncScheduled = false;
      if (!this.#syncing && this.#synced !== this.#appended) this.#startSync();
    });
  }

  /** Syncs what is written; whoever waits hears of a failure, and never that something is durable which was not written. */
  #startSync(): void {
    try {
      this.flush();
    } catch (error) {
      this.#syncBatch?.reject(error);
      this.#syncBatch = undefined;
      return;
    }
    const batch = this.#syncBatch;
    this.#syncBatch = undefined;
    const covered = this.#appended;
    const retired = this.#retired;
    this.#retired = [];
    this.#syncing = true;
    this.#syncAll([...retired, this.#descriptor])
      .then(() => {
        this.#synced = covered;
        for (const descriptor of retired) this.#options.fileSystem.closeSync(descriptor);
        batch?.resolve();
      })
      .catch((error: unknown) => batch?.reject(this.#fail(error)))
      .finally(() => {
        this.#syncing = false;
        if (this.#failure) this.#syncBatch?.reject(this.#failure);
        else if (this.#syncBatch) this.#startSync();
      });
  }

  async #syncAll(descriptors: readonly number[]): Promise<void> {
    const { fileSystem, directory } = this.#options;
    for (const descriptor of descriptors) await fileSystem.fdatasync(descriptor);
    if (!this.#directoryDirty) return;
    this.#directoryDirty = false;
    await fileSystem.syncDirectory(directory);
  }

  #retire(): void {
    const { fileSystem, durability } = this.#options;
    if (this.#allocated > this.#size) fileSystem.ftruncateSync(this.#descriptor, this.#size);
    if (durability === 'power') this.#retired.push(this.#descriptor);
    else fileSystem.closeSync(this.#descriptor);
  }

  #preallocate(): void {
    const from = this.#size + this.#pending;
    const zeros = Buffer.alloc(preallocationBytes);
    const written = this.#options.fileSystem.writeSync(this.#descriptor, zeros, 0, zeros.length, from);
    this.#allocated = from + written;
  }

  #grow(needed: number): void {
    this.#flush();
    if (needed <= this.#buffer.length) return;
    this.#buffer = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
  }

  #fail(error: unknown): GenieError {
    if (this.#failure) return this.#failure;
    const system = (error as { code?: string } | null)?.code;
    const advice =
      system === 'ENOSPC'
        ? 'The disk is full: free space, then close and open the journal (or the genie) again and resume the run.'
        : 'Check the disk, then close and open the journal (or the genie) again and resume the run.';
    this.#failure = new GenieError(
      'GENIE_JOURNAL_FAILED',
      `The journal in ${this.#options.directory} cannot be written (${describeThrown(error)}). ${advice}`,
      { cause: error, details: { ...(system ? { system } : {}) } },
    );
    return this.#failure;
  }
}

function createBatch(): Batch {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Whoever waits sees the rejection; a batch nobody waits for must not end the process.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
