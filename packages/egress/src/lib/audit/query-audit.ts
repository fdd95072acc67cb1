import { createReadStream, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import { parseJson } from '@genie/core/ports';
import { genesis, isUntouched, parseLine, type StoredEntry, segmentName, segmentsOf } from './chain.ts';

export interface AuditQuery {
  readonly event?: StoredEntry['event'];
  readonly host?: string;
  readonly runId?: string;
  /** Epoch ms, inclusive. */
  readonly since?: number;
  /** Epoch ms, exclusive. */
  readonly until?: number;
}

export interface AuditVerdict {
  readonly isIntact: boolean;
  readonly entries: number;
  /** What is wrong, in the order of the log. */
  readonly problems: readonly string[];
}

/**
 * Reads a log, oldest entry first, also while it is written. The end of a request is found with its decision. Lines that
 * cannot be read are left out. Rejects with `GENIE_EGRESS_AUDIT` when a file of the log cannot be read to its end.
 */
export async function* queryAudit(dir: string, filter: AuditQuery = {}): AsyncIterable<StoredEntry> {
  const open = new Set<string>();
  for await (const line of linesOf(dir)) {
    const entry = readEntry(line);
    if (entry === undefined) continue;
    const isEndOfFound = entry.event === 'closed' && open.delete(entry.exitId);
    if (matches(entry, filter) || (isEndOfFound && filter.event === undefined)) yield entry;
    if (entry.event === 'allowed' && matches(entry, filter)) open.add(entry.exitId);
  }
}

/**
 * Checks the chain: every line unchanged, none missing, none put in between, and the end as far as it was last noted. The
 * oldest segments may have been deleted by rotation; whoever can rewrite the whole log can also rewrite its hashes, so copy
 * the last hash elsewhere when that matters. Rejects with `GENIE_EGRESS_AUDIT` when a file cannot be read to its end.
 */
export async function verifyAudit(dir: string): Promise<AuditVerdict> {
  const problems: string[] = [];
  let entries = 0;
  let previous: StoredEntry | undefined;
  const head = readHead(dir);
  for await (const line of linesOf(dir)) {
    const entry = readEntry(line);
    const where = `entry ${entry?.seq ?? `after ${previous?.seq ?? 0}`}`;
    entries += 1;
    if (entry === undefined || !isUntouched(line)) problems.push(`${where} was changed`);
    if (entry !== undefined) {
      if (previous === undefined && entry.seq === 1 && entry.previous !== genesis)
        problems.push(`${where} is not the beginning`);
      if (previous !== undefined && (entry.seq !== previous.seq + 1 || entry.previous !== previous.hash)) {
        problems.push(`${where} does not follow entry ${previous.seq}`);
      }
      if (entry.seq === head?.seq && entry.hash !== head.hash) problems.push(`${where} is not the one that was noted`);
      previous = entry;
    }
  }
  if (head !== undefined && (previous?.seq ?? 0) < head.seq)
    problems.push(`the log ends at entry ${previous?.seq ?? 0}, but it went to ${head.seq}`);
  return { isIntact: problems.length === 0, entries, problems };
}

/** Throws `GENIE_EGRESS_AUDIT` when a segment cannot be read to its end. */
async function* linesOf(dir: string): AsyncIterable<string> {
  let isFirst = true;
  for (const segment of await listSegments(dir)) {
    try {
      // By line feeds alone: a reader of text files would also break an entry at the line separators of Unicode.
      let rest = '';
      for await (const chunk of createReadStream(join(dir, segmentName(segment)), 'utf8')) {
        const lines = `${rest}${chunk}`.split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
        isFirst = false;
      }
      if (rest !== '') yield rest;
    } catch (cause) {
      // The oldest segments may be deleted by rotation while the log is read.
      const isRotatedAway = isFirst && (cause as NodeJS.ErrnoException).code === 'ENOENT';
      if (!isRotatedAway) throw unreadable(dir, cause);
    }
  }
}

async function listSegments(dir: string): Promise<readonly number[]> {
  try {
    return segmentsOf(await readdir(dir));
  } catch (cause) {
    throw unreadable(dir, cause);
  }
}

function unreadable(dir: string, cause: unknown): GenieError {
  return new GenieError('GENIE_EGRESS_AUDIT', `the audit log in ${dir} cannot be read: ${describeThrown(cause)}`, {
    cause,
  });
}

function readEntry(line: string): StoredEntry | undefined {
  try {
    return parseLine(line);
  } catch {
    return undefined;
  }
}

/** How far the log had come when it was last closed or rotated. */
export function readHead(dir: string): { readonly seq: number; readonly hash: string } | undefined {
  try {
    const head = parseJson(readFileSync(join(dir, 'head.json'), 'utf8')) as Record<string, unknown> | null;
    const { seq, hash } = head ?? {};
    return typeof seq === 'number' && typeof hash === 'string' ? { seq, hash } : undefined;
  } catch {
    return undefined;
  }
}

function matches(entry: StoredEntry, filter: AuditQuery): boolean {
  return (
    (filter.event === undefined || entry.event === filter.event) &&
    (filter.host === undefined || entry.host === filter.host) &&
    (filter.runId === undefined || entry.runId === filter.runId) &&
    (filter.since === undefined || entry.at >= filter.since) &&
    (filter.until === undefined || entry.at < filter.until)
  );
}
