import type { MemoryRecord } from '../store/record.ts';

/** A valid record for a case; only what matters to it is given. */
export function sampleRecord(id: string, fields: Partial<MemoryRecord> = {}): MemoryRecord {
  return {
    id,
    namespace: 'one',
    tier: 'associative',
    kind: 'note',
    text: `text of ${id}`,
    status: 'live',
    importance: 0.5,
    confidence: 1,
    recordedAt: 1_700_000_000_000,
    ...fields,
  };
}
