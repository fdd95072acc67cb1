import * as fs from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { GenieError } from '../genie-error.ts';
import type { JournalRecord } from './journal.ts';
import { damagedRun } from './journal-errors.ts';
import { formatVersion, type ScannedRecord, scanRecords } from './record-codec.ts';
import type { RunIdFilter } from './run-id-filter.ts';

/** Unfinished runs: where each of their records lies, as flat triples of segment, offset and length. */
export type LiveRuns = Map<string, number[]>;

export function segmentPath(directory: string, segment: number): string {
  return join(directory, `${String(segment).padStart(8, '0')}.gj`);
}

export function indexPath(directory: string, segment: number): string {
  return join(directory, `${String(segment).padStart(8, '0')}.index`);
}

/** Segment numbers in order. Empty when the folder does not exist. */
export function listSegments(directory: string): number[] {
  let names: string[];
  try {
    names = fs.readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .filter((name) => /^\d{8}\.gj$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .sort((left, right) => left - right);
}

/** Reads a whole segment; notes unfinished runs in `live` and reports finished ones. Throws `GENIE_JOURNAL_VERSION`. */
export function scanSegment(
  directory: string,
  segment: number,
  live: LiveRuns,
  onClosed?: (runId: string) => void,
  visit?: (record: ScannedRecord) => void,
): { readonly end: number; readonly tornBytes: number } {
  const bytes = fs.readFileSync(segmentPath(directory, segment));
  const result = scanRecords(bytes, (record) => {
    if (record.flag === 'h') return checkHeader(directory, segment, record.json());
    if (record.flag === 'c') {
      live.delete(record.runId);
      onClosed?.(record.runId);
    } else {
      const positions = live.get(record.runId);
      if (positions) positions.push(segment, record.offset, record.length);
      else live.set(record.runId, [segment, record.offset, record.length]);
    }
    visit?.(record);
  });
  // Zeros ahead of the end were allocated, not torn.
  return { end: result.end, tornBytes: tornLength(bytes.subarray(result.end)) };
}

function tornLength(tail: Buffer): number {
  let end = tail.length;
  while (end > 0 && tail[end - 1] === 0) end -= 1;
  return end;
}

/** Notes what a sealed segment holds, from its index when that is intact, else from the segment itself. */
export function loadSegment(directory: string, segment: number, live: LiveRuns, closed: RunIdFilter): void {
  const index = readIndex(directory, segment);
  if (!index) {
    scanSegment(directory, segment, live, (runId) => closed.add(runId));
    return;
  }
  for (const [runId, places] of Object.entries(index.live)) {
    const positions = live.get(runId) ?? [];
    for (let at = 0; at < places.length; at += 2)
      positions.push(segment, places[at] as number, places[at + 1] as number);
    live.set(runId, positions);
  }
  for (const runId of index.closed) {
    live.delete(runId);
    closed.add(runId);
  }
}

interface SegmentIndex {
  readonly format: 1;
  readonly bytes: number;
  /** Unfinished runs: offset and length of each record, flat. */
  readonly live: Readonly<Record<string, readonly number[]>>;
  readonly closed: readonly string[];
}

export interface IndexedSegment {
  readonly directory: string;
  readonly segment: number;
  /** Size of the sealed segment: while it is in use, its file may have space allocated ahead. */
  readonly bytes: number;
  readonly live: LiveRuns;
  /** Runs that closed in it. */
  readonly closed: readonly string[];
}

/** Writes the index of a segment that is about to be sealed. It is a cache: losing it costs a scan. */
export function writeIndex({ directory, segment, bytes, live, closed }: IndexedSegment): void {
  const places: Record<string, number[]> = Object.create(null) as Record<string, number[]>;
  for (const [runId, positions] of live) {
    for (let at = 0; at < positions.length; at += 3) {
      if (positions[at] !== segment) continue;
      places[runId] ??= [];
      places[runId].push(positions[at + 1] as number, positions[at + 2] as number);
    }
  }
  const text = JSON.stringify({ format: 1, bytes, live: places, closed } satisfies SegmentIndex);
  const temporary = `${indexPath(directory, segment)}.tmp`;
  fs.writeFileSync(temporary, `${crc32(text)}\n${text}`, { mode: 0o600 });
  fs.renameSync(temporary, indexPath(directory, segment));
}

function readIndex(directory: string, segment: number): SegmentIndex | undefined {
  try {
    const text = fs.readFileSync(indexPath(directory, segment), 'utf8');
    const cut = text.indexOf('\n');
    const body = text.slice(cut + 1);
    if (crc32(body) !== Number(text.slice(0, cut))) return undefined;
    const index = JSON.parse(body) as SegmentIndex;
    const size = fs.statSync(segmentPath(directory, segment)).size;
    return index.format === 1 && index.bytes === size ? index : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the records of a run at known places. Throws `GENIE_JOURNAL_DAMAGED` when one is missing or broken. */
export function readPositions(
  directory: string,
  runId: string,
  positions: readonly number[],
): readonly JournalRecord[] {
  const collected = new Map<number, JournalRecord>();
  const collect = (record: ScannedRecord) => {
    if (record.runId === runId) collected.set(record.sequence, record.json() as JournalRecord);
  };
  for (let at = 0; at < positions.length; ) {
    const span = spanOf(positions, at);
    scanRecords(readSpan(directory, span), collect);
    at = span.next;
  }
  const ordered = inOrder(collected);
  if (ordered.damaged || collected.size * 3 < positions.length) throw damagedRun(runId, directory);
  return ordered.records;
}

interface Span {
  readonly segment: number;
  readonly start: number;
  readonly end: number;
  /** Where the places behind it begin. */
  readonly next: number;
}

/** Records of other runs in between cost less than one more system call. */
const widestGap = 16 * 1024;

/** As many places from `at` on as one read should bring. */
function spanOf(positions: readonly number[], at: number): Span {
  const segment = positions[at] as number;
  const start = positions[at + 1] as number;
  let end = start + (positions[at + 2] as number);
  let next = at + 3;
  for (; next < positions.length; next += 3) {
    const offset = positions[next + 1] as number;
    if (positions[next] !== segment || offset < end || offset - end > widestGap) break;
    end = offset + (positions[next + 2] as number);
  }
  return { segment, start, end, next };
}

function readSpan(directory: string, { segment, start, end }: Span): Buffer {
  // A place that compaction lost is negative: the run is damaged, which the missing record shows.
  if (start < 0) return Buffer.alloc(0);
  const bytes = Buffer.allocUnsafe(end - start);
  const descriptor = fs.openSync(segmentPath(directory, segment), 'r');
  try {
    const length = fs.readSync(descriptor, bytes, 0, bytes.length, start);
    return bytes.subarray(0, length);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Finds a run by reading every segment. For finished runs and for inspection. */
export function readRunFromSegments(
  directory: string,
  runId: string,
): { readonly records: readonly JournalRecord[]; readonly damaged: boolean } {
  const collected = new Map<number, JournalRecord>();
  for (const segment of listSegments(directory)) {
    scanRecords(fs.readFileSync(segmentPath(directory, segment)), (record) => {
      if (record.runId === runId) collected.set(record.sequence, record.json() as JournalRecord);
    });
  }
  return inOrder(collected);
}

/** Records by their number. A copy left by an interrupted compaction has the same number and counts once. */
function inOrder(collected: ReadonlyMap<number, JournalRecord>): {
  readonly records: readonly JournalRecord[];
  readonly damaged: boolean;
} {
  const records: JournalRecord[] = [];
  for (let sequence = 0; sequence < collected.size; sequence += 1) {
    const record = collected.get(sequence);
    if (!record) return { records, damaged: true };
    records.push(record);
  }
  return { records, damaged: false };
}

function checkHeader(directory: string, segment: number, header: unknown): void {
  const format = (header as { format?: unknown } | null)?.format;
  if (format === formatVersion) return;
  throw new GenieError(
    'GENIE_JOURNAL_VERSION',
    `${segmentPath(directory, segment)} has journal format ${JSON.stringify(format)}; this version reads format ${formatVersion}. Upgrade @genie/core.`,
  );
}
