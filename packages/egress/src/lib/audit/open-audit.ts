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
import { type AuditQuery, queryAudit } from './query-audit.ts';

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
 * moments, a killed process takes none. A last line that a crash cut off is dropped. Errors by code: `GENIE_EGRESS_AUDIT`
 * (unwritable, or another format).
 */
export function openAudit(options: AuditOptions): FileAudit {
  const writer = guarded(options.dir, () => new ChainWriter(options));
  return {
    append: (entry) => writer.append(entry),
    query: (filter) => queryAudit(options.dir, filter),
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

  constructor(options: AuditOptions) {
    this.#dir = options.dir;
    this.#maxBytes = options.maxSegmentBytes ?? 8 * 1024 * 1024;
    this.#maxSegments = options.maxSegments ?? 32;
    mkdirSync(this.#dir, { recursive: true });
    this.#segment = segmentsOf(readdirSync(this.#dir)).at(-1) ?? 1;
    const { last, bytes } = recoverSegment(join(this.#dir, segmentName(this.#segment)));
    this.#sequence = last?.seq ?? 0;
    this.#hash = last?.hash ?? genesis;
    this.#bytes = bytes;
    this.#file = openSync(join(this.#dir, segmentName(this.#segment)), 'a');
  }

  append(entry: AuditEntry): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('the audit log is closed'));
    this.#waiting.push(entry);
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
    const entries = this.#waiting;
    if (entries.length === 0) return;
    // What could not be written was refused, so only the ends of older requests are worth another try.
    this.#waiting = [];
    if (this.#bytes >= this.#maxBytes) this.#rotate();
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
    const next = openSync(join(this.#dir, segmentName(this.#segment + 1)), 'ax');
    fdatasyncSync(this.#file);
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
    writeFileSync(`${path}.new`, JSON.stringify({ format: 1, seq: this.#sequence, hash: this.#hash }));
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
