import { closeSync, fdatasync, fdatasyncSync, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { GenieError } from '@genie/core/errors';
import { parseJson } from '@genie/core/ports';
import { syncFolder, writeAll } from './atomic-file.ts';

const flush = promisify(fdatasync);
const chunkBytes = 1 << 20;
const newline = 0x0a;
const quickFlushMs = 1;

/** One line of a log and the byte where it starts. */
export type OnLine = (line: string, position: number, nextPosition: number) => void;

/**
 * An append-only file of JSON lines. The first line is a header with format, version and generation. A torn last line (a writer died)
 * is closed with a line end before the next append, so it harms nothing but itself. Writers must hold a lock among themselves.
 */
export class LineLog {
  readonly path: string;
  readonly generation: number;
  #descriptor: number;
  #flushing: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  /** How long a flush takes lately. */
  #flushMs = 0;

  private constructor(file: string, descriptor: number, generation: number) {
    this.path = file;
    this.#descriptor = descriptor;
    this.generation = generation;
  }

  /** Opens the log, or makes one of generation 0. Throws `GENIE_METRICS_FORMAT` for a file that is something else. */
  static open(file: string, format: string): LineLog {
    const descriptor = openSync(file, 'a+', 0o600);
    try {
      if (fstatSync(descriptor).size === 0) {
        writeAll(descriptor, Buffer.from(header(format, 0)));
        syncFolder(path.dirname(file));
      }
      return new LineLog(file, descriptor, readGeneration(file, descriptor, format));
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  size(): number {
    return fstatSync(this.#descriptor).size;
  }

  /** Writes whole lines (each ends in a line end) and returns where they start. */
  append(lines: Uint8Array): number {
    const position = this.size();
    writeAll(this.#descriptor, lines);
    return position;
  }

  /** Reads complete lines from a position (0 = the start, without the header) and returns where the next one will start. */
  scan(from: number, onLine: OnLine): number {
    let rest: Buffer = Buffer.alloc(0);
    let restAt = from;
    for (;;) {
      const chunk = Buffer.allocUnsafe(chunkBytes);
      const count = readSync(this.#descriptor, chunk, 0, chunkBytes, restAt + rest.length);
      if (count === 0) break;
      const data = rest.length === 0 ? chunk.subarray(0, count) : Buffer.concat([rest, chunk.subarray(0, count)]);
      let start = 0;
      for (let end = data.indexOf(newline, start); end !== -1; end = data.indexOf(newline, start)) {
        if (restAt + start !== 0) onLine(data.toString('utf8', start, end), restAt + start, restAt + end + 1);
        start = end + 1;
      }
      rest = data.subarray(start);
      restAt += start;
    }
    if (rest.length === 0) return restAt;
    // A writer died in the middle of this line: it was never acknowledged. Close it; the reader skips what is no JSON.
    writeAll(this.#descriptor, Buffer.of(newline));
    onLine(rest.toString('utf8'), restAt, restAt + rest.length + 1);
    return restAt + rest.length + 1;
  }

  /** The line that starts at a position known from `append` or `scan`. */
  readAt(position: number): string {
    let length = 512;
    for (;;) {
      const buffer = Buffer.allocUnsafe(length);
      const count = readSync(this.#descriptor, buffer, 0, length, position);
      const end = buffer.subarray(0, count).indexOf(newline);
      if (end !== -1) return buffer.toString('utf8', 0, end);
      if (count < length) return buffer.toString('utf8', 0, count);
      length *= 4;
    }
  }

  /**
   * Resolves when everything appended before the call survives power loss. Calls that come while one flush runs share the next. A disk
   * that flushes within a millisecond is flushed at once, because handing the work to a thread would cost more than the flush.
   */
  async sync(): Promise<void> {
    if (this.#flushing !== undefined) {
      this.#queued ??= this.#flushing
        .catch(() => undefined)
        .then(() => {
          this.#queued = undefined;
          return this.sync();
        });
      return this.#queued;
    }
    const startedAt = performance.now();
    if (this.#flushMs < quickFlushMs) {
      fdatasyncSync(this.#descriptor);
    } else {
      this.#flushing = flush(this.#descriptor).finally(() => {
        this.#flushing = undefined;
      });
      await this.#flushing;
    }
    this.#flushMs += (performance.now() - startedAt - this.#flushMs) / 8;
  }

  async close(): Promise<void> {
    await this.#queued?.catch(() => undefined);
    await this.#flushing?.catch(() => undefined);
    closeSync(this.#descriptor);
  }
}

export function header(format: string, generation: number): string {
  return `${JSON.stringify({ format, v: 1, generation })}\n`;
}

function readGeneration(file: string, descriptor: number, format: string): number {
  const buffer = Buffer.alloc(256);
  const count = readSync(descriptor, buffer, 0, buffer.length, 0);
  const line = buffer.toString('utf8', 0, count).split('\n', 1)[0] ?? '';
  const value = parseHeader(line);
  if (value?.format === format && value.v === 1) return value.generation;
  throw new GenieError(
    'GENIE_METRICS_FORMAT',
    `${file} starts with ${JSON.stringify(line.slice(0, 80))}, expected the header of ${format} version 1. ` +
      'Move the file away, or use the release that wrote it.',
  );
}

function parseHeader(line: string): { format: unknown; v: unknown; generation: number } | undefined {
  try {
    const value = parseJson(line) as { format?: unknown; v?: unknown; generation?: unknown } | null;
    if (value === null || typeof value.generation !== 'number') return undefined;
    return { format: value.format, v: value.v, generation: value.generation };
  } catch {
    return undefined;
  }
}
