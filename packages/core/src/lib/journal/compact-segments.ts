import * as fs from 'node:fs';
import type { CompactOptions } from './journal.ts';
import { scanRecords } from './record-codec.ts';
import { indexPath, type LiveRuns, listSegments, scanSegment, segmentPath, writeIndex } from './segment.ts';

export interface CompactWork {
  readonly directory: string;
  /** The segment that is being written; it is never touched. */
  readonly activeSegment: number;
  readonly live: LiveRuns;
  readonly now: number;
  readonly policy: CompactOptions;
}

/**
 * Drops closed runs beyond the policy. Each sealed segment is rewritten beside itself and renamed into place, so an
 * interruption leaves the old or the new one. Other work gets a turn between two segments. Returns how many runs were dropped.
 */
export async function compactSegments(work: CompactWork): Promise<number> {
  const closed: ClosedRun[] = [];
  const segments = listSegments(work.directory);
  for (const segment of segments) {
    await turn();
    const isSealed = segment < work.activeSegment;
    scanSegment(work.directory, segment, new Map(), undefined, (record) => {
      if (record.flag !== 'c') return;
      closed.push({ runId: record.runId, at: (record.json() as { at: number }).at, isSealed });
    });
  }
  const dropped = chooseDropped(closed, work);
  if (dropped.size === 0) return 0;
  for (const segment of segments) {
    if (segment >= work.activeSegment) continue;
    await turn();
    rewrite(segment, dropped, work);
  }
  return dropped.size;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface ClosedRun {
  readonly runId: string;
  readonly at: number;
  /** A run whose end is in the segment that is being written stays for now: it could only be dropped in part. */
  readonly isSealed: boolean;
}

function chooseDropped(closed: readonly ClosedRun[], work: CompactWork): ReadonlySet<string> {
  const { keepClosedRuns = 1_000, maxAgeMs = 90 * 24 * 60 * 60 * 1000 } = work.policy;
  const newestFirst = [...closed].sort((left, right) => right.at - left.at);
  const dropped = new Set<string>();
  newestFirst.forEach(({ runId, at, isSealed }, index) => {
    if (isSealed && (index >= keepClosedRuns || work.now - at > maxAgeMs)) dropped.add(runId);
  });
  return dropped;
}

function rewrite(segment: number, dropped: ReadonlySet<string>, work: CompactWork): void {
  const path = segmentPath(work.directory, segment);
  const bytes = fs.readFileSync(path);
  const kept: Buffer[] = [];
  const moved = new Map<number, number>();
  let size = 0;
  let runs = 0;
  let removed = 0;
  scanRecords(bytes, (record) => {
    if (record.flag !== 'h' && dropped.has(record.runId)) {
      removed += 1;
      return;
    }
    if (record.flag !== 'h') runs += 1;
    moved.set(record.offset, size);
    kept.push(bytes.subarray(record.offset, record.offset + record.length));
    size += record.length;
  });
  if (removed === 0) return;
  if (runs === 0) {
    fs.rmSync(path, { force: true });
    fs.rmSync(indexPath(work.directory, segment), { force: true });
    return;
  }
  replaceFile(path, Buffer.concat(kept));
  const { directory, live } = work;
  // Positions are known only for runs that are still open; closed ones are found by reading.
  for (const positions of work.live.values()) {
    for (let at = 0; at < positions.length; at += 3) {
      if (positions[at] === segment) positions[at + 1] = moved.get(positions[at + 1] as number) ?? -1;
    }
  }
  const closed: string[] = [];
  scanSegment(work.directory, segment, new Map(), (runId) => closed.push(runId));
  writeIndex({ directory, segment, bytes: size, live, closed });
}

function replaceFile(path: string, content: Buffer): void {
  const temporary = `${path}.tmp`;
  const descriptor = fs.openSync(temporary, 'w', 0o600);
  try {
    for (let written = 0; written < content.length; ) written += fs.writeSync(descriptor, content, written);
    fs.fdatasyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
  fs.renameSync(temporary, path);
}
