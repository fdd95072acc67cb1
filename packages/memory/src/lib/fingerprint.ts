import { createHmac } from 'node:crypto';
import type { MemoryRecord } from './store/record.ts';

/** Recognises what was forgotten without keeping it: keyed hashes, useless without this store's key. */
export interface Fingerprinter {
  /** The marks by which a record would be recognised if it came back. */
  of(
    record: Pick<MemoryRecord, 'namespace' | 'text' | 'source' | 'speaker' | 'idempotencyKey' | 'kind' | 'id'>,
  ): string[];
}

/** `key`: random bytes of the store, hex. The text counts together with its source and speaker, so that a common phrase is not banned everywhere. */
export function createFingerprinter(key: string): Fingerprinter {
  const mark = (...parts: readonly string[]): string =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url').slice(0, 27);
  return {
    of(record) {
      const marks = [mark('text', normalize(record.text), record.source ?? '', record.speaker ?? '')];
      if (record.idempotencyKey !== undefined) marks.push(mark('key', record.idempotencyKey));
      if (record.kind === 'finding') marks.push(mark('finding', record.id));
      return marks;
    },
  };
}

function normalize(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim();
}
