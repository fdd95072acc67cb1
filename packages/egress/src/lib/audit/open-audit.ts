import {
  closeSync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { GenieError } from '@genie/core/errors';
import type { AuditEntry, AuditLog } from './audit-record.ts';
import { genesis, linkOf, parseLine, type StoredEntry, segmentName, segmentsOf } from './chain.ts';
import { type AuditQuery, queryAudit, readHead } from './query-audit.ts';

export interface AuditOptions {
  /** Folder of the log; made when it is missing. One process writes it at a time. */
  readonly dir: string;
  /** A segment is closed at this size. Default 8 MiB. */
  readonly maxSegmentBytes?: number;
  /** Older segments are deleted. Default 32. */
  readonly maxSegments?: number;
}

/** An audit log in files: JSON lines, each with the hash of the one before it. */
export interface FileAudit extends AuditLog {
  /** Oldest first. */
  query(filter?: AuditQuery): AsyncIterable<StoredEntry>;
  close(): Promise<void>;
}

/**
 * Opens a log. A decision is written to the operating system before its request leaves; power loss may take the last
 * moments, a killed process takes no decision. How a request ended follows within a twentieth of a second. A last line that a crash cut off is dropped. Errors by code: `GENIE_EGRESS_AUDIT`
 * (unwritable, or another format).
 */
export function openAudit(options: AuditOptions): FileAudit {
  const writer = guarded(options.dir, () => new ChainWriter(options));
  return {
    append: (entry) => writer.append(entry),
    query(filter) {
      writer.catchUp();
      return queryAudit(options.dir, filter);
    },
    close: () => {
      writer.close();
      return Promise.resolve();
    },
  };
}

class ChainWriter {
  readonly #dir: string;
  readonly #maxBytes: number;
  readonly #maxSegments: number;
  #file: number;
  #segment: number;
  #bytes: number;
  #sequence: number;
  #hash: string;
  #isClosed = false;
  #waiting: AuditEntry[] = [];
  #batch: Promise<void> | undefined;
  #later: NodeJS.Timeout | undefined;

  constructor(options: AuditOptions) {
    this.#dir = options.dir;
    this.#maxBytes = options.maxSegmentBytes ?? 8 * 1024 * 1024;
    this.#maxSegments = options.maxSegments ?? 32;
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    const segments = segmentsOf(readdirSync(this.#dir));
    this.#segment = segments.at(-1) ?? 1;
    const newest = recoverSegment(join(this.#dir, segmentName(this.#segment)));
    // A crash right after a rotation leaves an empty segment.
    const before = newest.last === undefined ? segments.at(-2) : undefined;
    const last = before === undefined ? newest.last : recoverSegment(join(this.#dir, segmentName(before))).last;
    // A log that was cut off goes on behind what is missing, so the gap stays to be seen.
    const head = readHead(this.#dir);
    const from = head !== undefined && head.seq > (last?.seq ?? 0) ? head : last;
    this.#sequence = from?.seq ?? 0;
    this.#hash = from?.hash ?? genesis;
    this.#bytes = newest.bytes;
    // Where somebody went is nobody else's business.
    this.#file = openSync(join(this.#dir, segmentName(this.#segment)), 'a', 0o600);
  }

  append(entry: AuditEntry): undefined | Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('the audit log is closed'));
    this.#waiting.push(entry);
    // Nobody waits for an end to be written, so many of them, or the next decision, share one write.
    if (entry.event === 'closed') {
      this.#later ??= setTimeout(() => this.catchUp(), 50).unref();
      return undefined;
    }
    this.#batch ??= new Promise((resolve, reject) => {
      // At the end of this turn of the event loop, so that everything that arrived in it shares one write.
      setImmediate(() => {
        this.#batch = undefined;
        try {
          this.#flush();
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
    return this.#batch;
  }

  /** Writes what can wait. A failure is reported by the next decision. */
  catchUp(): void {
    if (this.#isClosed) return;
    try {
      this.#flush();
    } catch {
      // What was not written is kept.
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#flush();
      this.#writeHead();
    } finally {
      closeSync(this.#file);
    }
  }

  #flush(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    const entries = this.#waiting;
    if (entries.length === 0) return;
    // What could not be written was refused, so only the ends of older requests are worth another try.
    this.#waiting = [];
    let seq = this.#sequence;
    let previous = this.#hash;
    let text = '';
    for (const entry of entries) {
      seq += 1;
      const { line, hash } = linkOf(seq, previous, entry);
      text += line;
      previous = hash;
    }
    try {
      if (this.#bytes >= this.#maxBytes) this.#rotate();
      this.#write(text);
    } catch (error) {
      this.#waiting = entries.filter((entry) => entry.event === 'closed').slice(-1_000);
      throw error;
    }
    this.#sequence = seq;
    this.#hash = previous;
  }

  #write(text: string): void {
    const buffer = Buffer.from(text);
    let written = 0;
    try {
      while (written < buffer.length) written += writeSync(this.#file, buffer, written);
    } catch (error) {
      // Half a line would break the chain for the next one.
      if (written > 0) truncateSync(join(this.#dir, segmentName(this.#segment)), this.#bytes);
      throw error;
    }
    this.#bytes += buffer.length;
  }

  #rotate(): void {
    // Before the next file is there: a rotation that fails is tried again at the next decision.
    fdatasyncSync(this.#file);
    const next = openSync(join(this.#dir, segmentName(this.#segment + 1)), 'ax', 0o600);
    closeSync(this.#file);
    this.#file = next;
    this.#segment += 1;
    this.#bytes = 0;
    this.#writeHead();
    for (const old of segmentsOf(readdirSync(this.#dir)).slice(0, -this.#maxSegments))
      rmSync(join(this.#dir, segmentName(old)), { force: true });
  }

  /** Remembers how far the chain went, so that cutting off its end is noticed. */
  #writeHead(): void {
    const path = join(this.#dir, 'head.json');
    writeFileSync(`${path}.new`, JSON.stringify({ format: 1, seq: this.#sequence, hash: this.#hash }), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

/** The last whole entry of a segment; what follows it is cut off. */
function recoverSegment(path: string): { readonly last: StoredEntry | undefined; readonly bytes: number } {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { last: undefined, bytes: 0 };
    throw error;
  }
  const whole = content.slice(0, content.lastIndexOf('\n') + 1);
  const bytes = Buffer.byteLength(whole);
  if (whole.length < content.length) truncateSync(path, bytes);
  const lastLine = whole.trimEnd().split('\n').at(-1);
  return { last: lastLine ? parseLine(lastLine) : undefined, bytes };
}

function guarded<T>(dir: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GenieError('GENIE_EGRESS_AUDIT', `the audit log in ${dir} cannot be opened: ${why}`, { cause });
  }
}
