import { hash as digest } from 'node:crypto';
import { parseJson } from '@genie/core/ports';
import type { AuditEntry } from './audit-record.ts';

/** An entry as it is stored: format 1, its number, the hash of the entry before it and its own. */
export interface StoredEntry extends AuditEntry {
  readonly format: 1;
  readonly seq: number;
  readonly previous: string;
  readonly hash: string;
}

/** What the first entry names as its predecessor. */
export const genesis = '0'.repeat(64);

/** One line of the log. The hash covers the bytes of the line up to the hash itself (SHA-256). */
export function linkOf(
  seq: number,
  previous: string,
  entry: AuditEntry,
): { readonly line: string; readonly hash: string } {
  const content = JSON.stringify({ format: 1, seq, previous, ...entry }).slice(0, -1);
  const hash = digest('sha256', content, 'hex');
  return { line: `${content},"hash":"${hash}"}\n`, hash };
}

/** Reads a line. Throws `SyntaxError` when it is none of ours. */
export function parseLine(line: string): StoredEntry {
  const value = parseJson(line) as StoredEntry | null;
  if (typeof value !== 'object' || value === null || value.format !== 1 || !isReadable(value)) {
    throw new SyntaxError('not an audit entry of format 1');
  }
  return value;
}

/** What every reader relies on. */
function isReadable({ seq, event, at, exitId, host, port }: StoredEntry): boolean {
  const isKnown = event === 'allowed' || event === 'blocked' || event === 'closed';
  const isTime = typeof at === 'number' && Math.abs(at) <= 8.64e15;
  return (
    isKnown &&
    isTime &&
    [seq, port].every(Number.isSafeInteger) &&
    [exitId, host].every((text) => typeof text === 'string')
  );
}

/** Whether a line holds what its hash says. */
export function isUntouched(line: string): boolean {
  const match = /^(.*),"hash":"([0-9a-f]{64})"\}$/s.exec(line);
  return match !== null && digest('sha256', match[1] ?? '', 'hex') === match[2];
}

export function segmentName(segment: number): string {
  return `egress-${String(segment).padStart(8, '0')}.jsonl`;
}

/** The numbers of the segments among file names, oldest first. */
export function segmentsOf(names: readonly string[]): readonly number[] {
  return names
    .flatMap((name) => /^egress-(\d{8})\.jsonl$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((left, right) => left - right);
}
