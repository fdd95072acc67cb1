import { createHash } from 'node:crypto';
import { canonicalJson, type JsonValue } from '@genie/core/ports';
import type { MemoryRecord, StoredRecord } from '../store/record.ts';

/**
 * What consolidation may do. There is no operation that deletes: a merge keeps the merged record behind its survivor, a summary stands
 * beside its sources, a pattern is new, a rescore changes one number.
 */
export type Operation =
  | { readonly kind: 'merge'; readonly survivor: StoredRecord; readonly merged: readonly StoredRecord[] }
  | {
      readonly kind: 'summary';
      readonly record: MemoryRecord;
      readonly sources: readonly StoredRecord[];
      readonly retire: boolean;
    }
  | {
      readonly kind: 'pattern';
      readonly record: MemoryRecord;
      readonly before?: StoredRecord;
      /** What it was detected in. */
      readonly sources: readonly StoredRecord[];
    }
  | { readonly kind: 'rescore'; readonly record: StoredRecord; readonly importance: number };

/** A record without the numbers that the store gives it. */
export function contentOf(record: MemoryRecord | StoredRecord): MemoryRecord {
  const { seq: _seq, revision: _revision, ...content } = record as StoredRecord;
  return content;
}

/** Tells whether a record was changed since: SHA-256 of its content. */
export function hashOf(record: MemoryRecord | StoredRecord): string {
  return createHash('sha256')
    .update(canonicalJson(contentOf(record) as unknown as JsonValue))
    .digest('hex')
    .slice(0, 32);
}
