import { createReadStream, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
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
 * cannot be read are left out.
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
 * the last hash elsewhere when that matters.
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

async function* linesOf(dir: string): AsyncIterable<string> {
  for (const segment of segmentsOf(await readdir(dir))) {
    yield* createInterface({
      input: createReadStream(join(dir, segmentName(segment))),
      crlfDelay: Number.POSITIVE_INFINITY,
    });
  }
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
