import { type FileHandle, mkdir, open, readFile, rename, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { type JsonValue, parseJson } from '@genie/core/ports';

/** Something that was to be changed elsewhere while there was no network. */
export interface Mutation {
  /** Names the change for good: the receiver takes a key once. */
  readonly key: string;
  readonly kind: string;
  readonly payload: JsonValue;
}

export interface QueuedMutation extends Mutation {
  /** Order of arrival. */
  readonly seq: number;
  /** Epoch ms. */
  readonly queuedAt: number;
}

export interface Conflict {
  readonly mutation: QueuedMutation;
  readonly reason: string;
}

/** What the file says after everything in it was read. */
export interface QueueState {
  readonly waiting: Map<string, QueuedMutation>;
  /** Keys that were sent, oldest first; a few are kept to answer repetitions. */
  readonly done: Set<string>;
  readonly conflicts: Conflict[];
  lastSeq: number;
}

export type QueueRecord =
  | { readonly op: 'add'; readonly mutation: QueuedMutation }
  | { readonly op: 'done'; readonly key: string }
  | { readonly op: 'conflict'; readonly key: string; readonly reason: string };

const keptKeys = 1_000;
const keptConflicts = 100;

/** An append-only file of records, each durable when `append` resolves. */
export class QueueFile {
  readonly state: QueueState = { waiting: new Map(), done: new Set(), conflicts: [], lastSeq: 0 };
  readonly #dir: string;
  #file: FileHandle;
  #lines: number;
  #bytes = 0;

  private constructor(dir: string, file: FileHandle) {
    this.#dir = dir;
    this.#file = file;
    this.#lines = 0;
  }

  /** Reads what is there; a last line that a crash cut off was never acknowledged, and is dropped. */
  static async open(dir: string): Promise<QueueFile> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const path = join(dir, 'queue.jsonl');
    const file = await open(path, 'a', 0o600);
    const queue = new QueueFile(dir, file);
    const content = await readFile(path, 'utf8');
    const whole = content.slice(0, content.lastIndexOf('\n') + 1);
    if (whole.length < content.length) await truncate(path, Buffer.byteLength(whole));
    for (const line of whole.split('\n')) if (line !== '') queue.#apply(parseRecord(line));
    await queue.compact();
    return queue;
  }

  async append(records: readonly QueueRecord[]): Promise<void> {
    const text = records.map(toLine).join('');
    try {
      await this.#file.appendFile(text);
      await this.#file.datasync();
    } catch (error) {
      // Half a record, as of a full disk, would spoil the next one and with it the whole file.
      await this.#file.truncate(this.#bytes).catch(() => undefined);
      throw error;
    }
    this.#bytes += Buffer.byteLength(text);
    for (const record of records) this.#apply(record);
    if (this.#lines > 2 * (this.state.waiting.size + keptKeys + keptConflicts)) await this.compact();
  }

  /** Writes a new file with only what still matters and puts it in the place of the old one. */
  async compact(): Promise<void> {
    const { waiting, done, conflicts } = this.state;
    const records: QueueRecord[] = [
      ...conflicts.flatMap(({ mutation, reason }): QueueRecord[] => [
        { op: 'add', mutation },
        { op: 'conflict', key: mutation.key, reason },
      ]),
      ...[...done].map((key): QueueRecord => ({ op: 'done', key })),
      ...[...waiting.values()].map((mutation): QueueRecord => ({ op: 'add', mutation })),
    ];
    const path = join(this.#dir, 'queue.jsonl');
    const text = `${JSON.stringify({ format: 1, lastSeq: this.state.lastSeq })}\n${records.map(toLine).join('')}`;
    const next = await open(`${path}.new`, 'w', 0o600);
    try {
      await next.writeFile(text);
      await next.datasync();
    } finally {
      await next.close();
    }
    await rename(`${path}.new`, path);
    await syncFolder(this.#dir);
    await this.#file.close();
    this.#file = await open(path, 'a', 0o600);
    this.#bytes = Buffer.byteLength(text);
    this.#lines = records.length;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #apply(record: QueueRecord | { readonly format: 1; readonly lastSeq: number }): void {
    const { state } = this;
    this.#lines += 1;
    if ('format' in record) {
      state.lastSeq = Math.max(state.lastSeq, record.lastSeq);
    } else if (record.op === 'add') {
      state.waiting.set(record.mutation.key, record.mutation);
      state.lastSeq = Math.max(state.lastSeq, record.mutation.seq);
    } else {
      const mutation = state.waiting.get(record.key);
      state.waiting.delete(record.key);
      if (record.op === 'conflict' && mutation !== undefined) state.conflicts.push({ mutation, reason: record.reason });
      else state.done.add(record.key);
      for (const key of state.done) if (state.done.size > keptKeys) state.done.delete(key);
      state.conflicts.splice(0, Math.max(0, state.conflicts.length - keptConflicts));
    }
  }
}

function toLine(record: QueueRecord): string {
  return `${JSON.stringify(record)}\n`;
}

function parseRecord(line: string): QueueRecord | { readonly format: 1; readonly lastSeq: number } {
  const value = parseJson(line) as QueueRecord | { readonly format: 1; readonly lastSeq: number };
  if ('format' in value && value.format !== 1)
    throw new SyntaxError(`format ${String(value.format)}; this version reads 1`);
  return value;
}

async function syncFolder(dir: string): Promise<void> {
  // Windows cannot open a folder; there the rename itself is durable enough.
  const folder = await open(dir, 'r').catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
