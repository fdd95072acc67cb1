import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { describeThrown, GenieError } from '../genie-error.ts';
import type { JsonObject } from '../json.ts';
import { type FileSystem, nodeFileSystem } from './file-system.ts';
import { listRuns } from './inspect-runs.ts';
import type { CompactOptions, Journal, JournalRecord, JournalRun, RunJournal } from './journal.ts';
import { damagedRun, runIsOpen } from './journal-errors.ts';
import { type Lease, takeLease } from './lease.ts';
import { checkRunId, formatVersion } from './record-codec.ts';
import { RunIdFilter } from './run-id-filter.ts';
import {
  type LiveRuns,
  listSegments,
  loadSegment,
  readPositions,
  readRunFromSegments,
  scanSegment,
  segmentPath,
  writeIndex,
} from './segment.ts';
import { SegmentWriter } from './segment-writer.ts';
import { SelfCompaction } from './self-compaction.ts';

export interface FileJournalOptions {
  /** Folder of the journal. Made when missing. One process owns it at a time. */
  readonly dir: string;
  /** `process` (default) survives kill -9, `power` also a power cut: a step counts only after fdatasync. */
  readonly durability?: 'process' | 'power';
  /** A segment is sealed at this size. Default 8 MiB. */
  readonly segmentBytes?: number;
  /** Closed runs that stay when the journal compacts itself, which it does as it grows. */
  readonly retention?: CompactOptions;
  readonly now?: () => number;
  readonly fileSystem?: FileSystem;
}

/** A journal in files, with what its opening found. */
export interface FileJournal extends Journal {
  /** Bytes at the end of the newest segment that belonged to no whole record and were cut off. */
  readonly tornBytes: number;
  readonly lease: Lease;
  readonly directory: string;
}

/**
 * Opens the file journal of a folder: checksummed delta records in segments, group commit, one owner.
 * Throws `GENIE_HOME_IN_USE` (another process owns it), `GENIE_JOURNAL_VERSION` (written by a newer version),
 * `GENIE_JOURNAL_UNREADABLE` (no permission, not a folder).
 */
export function openJournal(options: FileJournalOptions): FileJournal {
  // Once and for all: the process may change its working directory later.
  const directory = resolve(options.dir);
  const now = options.now ?? Date.now;
  const lease = readable(directory, () => {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    return takeLease(directory, now());
  });
  try {
    return readable(directory, () => new OpenFileJournal({ ...options, dir: directory }, lease, now));
  } catch (error) {
    lease.release();
    throw error;
  }
}

class OpenFileJournal implements FileJournal {
  readonly capabilities;
  readonly lease: Lease;
  readonly tornBytes: number;
  readonly directory: string;
  readonly #segmentBytes: number;
  readonly #now: () => number;
  readonly #writer: SegmentWriter;
  readonly #compaction: SelfCompaction;
  readonly #live: LiveRuns = new Map();
  readonly #closed = new RunIdFilter();
  readonly #held = new Set<string>();
  /** Runs that closed in the current segment: its index will need them. */
  #closedHere: string[] = [];
  #segment = 0;
  #isClosed = false;

  constructor(options: FileJournalOptions, lease: Lease, now: () => number) {
    const durability = options.durability ?? 'process';
    this.capabilities = { durability } as const;
    this.lease = lease;
    this.directory = options.dir;
    this.#segmentBytes = options.segmentBytes ?? 8 * 1024 * 1024;
    this.#now = now;
    const fileSystem = options.fileSystem ?? nodeFileSystem;
    this.#writer = new SegmentWriter({ fileSystem, directory: options.dir, durability });
    this.#compaction = new SelfCompaction({
      directory: options.dir,
      live: this.#live,
      retention: options.retention ?? {},
      now,
      activeSegment: () => this.#segment,
      settled: () => this.#writer.settled(),
    });
    this.tornBytes = this.#load();
  }

  async open(runId: string): Promise<RunJournal> {
    checkRunId(runId);
    this.#assertUsable();
    if (this.#held.has(runId)) throw runIsOpen(runId);
    this.#writer.flush();
    this.#held.add(runId);
    let recorded: readonly JournalRecord[];
    try {
      // A finished run is found by reading every segment, and these must not change meanwhile.
      if (!this.#live.has(runId)) await this.#compaction.idle();
      recorded = this.#readRun(runId);
    } catch (error) {
      this.#held.delete(runId);
      throw error;
    }
    this.#chooseWriting();
    return this.#hold(runId, recorded);
  }

  async list(): Promise<readonly JournalRun[]> {
    if (!this.#isClosed) this.#writer.flush();
    return listRuns(this.directory);
  }

  async read(runId: string): Promise<readonly JournalRecord[]> {
    if (!this.#isClosed) this.#writer.flush();
    return readRunFromSegments(this.directory, runId).records;
  }

  async compact(options: CompactOptions = {}): Promise<number> {
    this.#assertUsable();
    await this.#compaction.idle();
    if (this.#closedHere.length > 0) this.#rotate();
    return this.#compaction.run(options);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      await this.#compaction.idle();
      await this.#writer.close();
    } finally {
      this.lease.release();
    }
  }

  #hold(runId: string, recorded: readonly JournalRecord[]): RunJournal {
    let sequence = recorded.length;
    const prefix = `${runId} `;
    let released = false;
    return {
      runId,
      recorded,
      append: (record) => {
        const flag = record.kind === 'opened' ? 'o' : record.kind === 'closed' ? 'c' : '-';
        if (this.lease.isLost) this.lease.check();
        if (this.#writer.size >= this.#segmentBytes) {
          this.#rotate();
          this.#compaction.afterSeal();
        }
        const place = this.#writer.append(`${prefix}${sequence} ${flag} ${JSON.stringify(record)}`);
        sequence += 1;
        this.#note(runId, flag, place.offset, place.length);
      },
      settled: () => this.#writer.settled(),
      release: () => {
        if (released) return;
        released = true;
        this.#held.delete(runId);
        this.#chooseWriting();
      },
    };
  }

  /** Under many runs the disk is the limit, so writes are gathered. Against kill -9 only what is written counts: no gathering. */
  #chooseWriting(): void {
    this.#writer.gather = this.capabilities.durability === 'power' && this.#held.size > 4;
  }

  #note(runId: string, flag: string, offset: number, length: number): void {
    if (flag === 'c') {
      this.#live.delete(runId);
      this.#closed.add(runId);
      this.#closedHere.push(runId);
      return;
    }
    const positions = this.#live.get(runId);
    if (positions) positions.push(this.#segment, offset, length);
    else this.#live.set(runId, [this.#segment, offset, length]);
  }

  #readRun(runId: string): readonly JournalRecord[] {
    const positions = this.#live.get(runId);
    if (positions) return readPositions(this.directory, runId, positions);
    if (!this.#closed.has(runId)) return [];
    const found = readRunFromSegments(this.directory, runId);
    if (found.damaged) throw damagedRun(runId, this.directory);
    return found.records;
  }

  #load(): number {
    removeUnfinished(this.directory);
    const segments = listSegments(this.directory);
    const last = segments.at(-1);
    for (const segment of segments) {
      if (segment !== last) loadSegment(this.directory, segment, this.#live, this.#closed);
    }
    if (last === undefined) {
      this.#startSegment(1);
      return 0;
    }
    this.#segment = last;
    const scanned = scanSegment(this.directory, last, this.#live, (runId) => {
      this.#closed.add(runId);
      this.#closedHere.push(runId);
    });
    const path = segmentPath(this.directory, last);
    const torn = fs.statSync(path).size - scanned.end;
    if (torn > 0) fs.truncateSync(path, scanned.end);
    this.#writer.use({ path, size: scanned.end, isNew: false });
    if (scanned.end === 0) this.#writeHeader();
    return scanned.tornBytes;
  }

  #startSegment(segment: number): void {
    this.#segment = segment;
    this.#closedHere = [];
    this.#writer.use({ path: segmentPath(this.directory, segment), size: 0, isNew: true });
    this.#writeHeader();
  }

  #writeHeader(): void {
    const header: JsonObject = { format: formatVersion, segment: this.#segment, createdAt: this.#now() };
    this.#writer.append(`- 0 h ${JSON.stringify(header)}`);
  }

  #rotate(): void {
    this.lease.check();
    try {
      writeIndex({
        directory: this.directory,
        segment: this.#segment,
        bytes: this.#writer.size,
        live: this.#live,
        closed: this.#closedHere,
      });
    } catch {
      // An index saves a scan. A disk that has no room for one may still have room for the record that is to be written.
    }
    this.#startSegment(this.#segment + 1);
  }

  #assertUsable(): void {
    if (this.#isClosed) {
      throw new GenieError('GENIE_JOURNAL_CLOSED', `The journal in ${this.directory} is closed. Open it again.`);
    }
  }
}

/** Files that an interrupted compaction had not yet renamed into place. */
function removeUnfinished(directory: string): void {
  for (const name of fs.readdirSync(directory)) {
    if (/^\d{8}\.(gj|index)\.tmp$/.test(name)) fs.rmSync(join(directory, name), { force: true });
  }
}

function readable<Value>(directory: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    if (GenieError.isInstance(error)) throw error;
    throw new GenieError(
      'GENIE_JOURNAL_UNREADABLE',
      `The journal folder ${directory} cannot be used (${describeThrown(error)}). Check that it is a folder you may read and write.`,
      { cause: error },
    );
  }
}
