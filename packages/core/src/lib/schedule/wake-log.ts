import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describeThrown, GenieError } from '../genie-error.ts';
import { parseWakeLog, recordsToText, type WakeRecord } from './wake-records.ts';

/** The part of Node's file system that the log of wakes uses. */
export interface WakeLogFileSystem {
  readonly mkdir: typeof mkdir;
  readonly open: typeof open;
  readonly readFile: typeof readFile;
  readonly rename: typeof rename;
}

export interface WakeLogOptions {
  readonly dir: string;
  readonly fileSystem?: WakeLogFileSystem;
  /** The log is cut to its newest 2,000 records when it is opened with more bytes than this. Default 1 MiB. */
  readonly maxBytes?: number;
}

/** The durable memory of a scheduler: an append-only file, one record a line. Errors have the code `GENIE_SCHEDULE_STORE`. */
export interface WakeLog {
  /** What was on disk when it was opened, oldest first. */
  readonly records: readonly WakeRecord[];
  /** Lines that could not be read. */
  readonly unreadable: number;
  /** Durable when it resolves. Calls are written in their order. */
  append(records: readonly WakeRecord[]): Promise<void>;
}

const fileName = 'wakes.jsonl';
const keptRecords = 2_000;
const nodeFileSystem: WakeLogFileSystem = { mkdir, open, readFile, rename };

/** Reads `wakes.jsonl` without changing it; no file means no records. */
export async function readWakes(options: Pick<WakeLogOptions, 'dir' | 'fileSystem'>): Promise<readonly WakeRecord[]> {
  return parseWakeLog(await readText(join(options.dir, fileName), options.fileSystem ?? nodeFileSystem)).records;
}

export async function openWakeLog(options: WakeLogOptions): Promise<WakeLog> {
  const { dir, fileSystem = nodeFileSystem, maxBytes = 1024 * 1024 } = options;
  const path = join(dir, fileName);
  return guard(path, async () => {
    await fileSystem.mkdir(dir, { recursive: true, mode: 0o700 });
    const text = await readText(path, fileSystem);
    const { records, unreadable } = parseWakeLog(text);
    const isTooLong = Buffer.byteLength(text) > maxBytes;
    const kept = isTooLong ? newest(records) : records;
    if (isTooLong) await replace(path, recordsToText(kept), fileSystem);
    // The file exists, and its name is durable, before anything relies on it.
    await writeDurably(path, 'a', '', fileSystem);
    await syncFolder(dir, fileSystem);
    // Whatever was cut off in the middle of a line must not swallow the next one.
    let written = Promise.resolve();
    let needsNewline = text !== '' && !text.endsWith('\n') && !isTooLong;
    async function write(added: readonly WakeRecord[]): Promise<void> {
      const before = needsNewline ? '\n' : '';
      needsNewline = true;
      await writeDurably(path, 'a', before + recordsToText(added), fileSystem);
      needsNewline = false;
    }
    return {
      records: kept,
      unreadable,
      append(added) {
        const result = written.then(() => guard(path, () => write(added)));
        written = result.catch(() => undefined);
        return result;
      },
    };
  });
}

/** The last arming stays: it says from when on wakes can be missed. */
function newest(records: readonly WakeRecord[]): readonly WakeRecord[] {
  const recent = records.slice(-keptRecords);
  const armed = records.findLast((record) => record.kind === 'armed');
  return armed && !recent.includes(armed) ? [armed, ...recent] : recent;
}

async function replace(path: string, text: string, fileSystem: WakeLogFileSystem): Promise<void> {
  await writeDurably(`${path}.new`, 'w', text, fileSystem);
  await fileSystem.rename(`${path}.new`, path);
}

async function writeDurably(
  path: string,
  flags: 'a' | 'w',
  text: string,
  fileSystem: WakeLogFileSystem,
): Promise<void> {
  const file = await fileSystem.open(path, flags, 0o600);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function syncFolder(dir: string, fileSystem: WakeLogFileSystem): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await fileSystem.open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function readText(path: string, fileSystem: WakeLogFileSystem): Promise<string> {
  try {
    return await fileSystem.readFile(path, 'utf8');
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return '';
    throw error;
  }
}

async function guard<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new GenieError('GENIE_SCHEDULE_STORE', `The log of wakes ${path} failed: ${describeThrown(error)}.`, {
      cause: error,
      details: { path },
    });
  }
}
