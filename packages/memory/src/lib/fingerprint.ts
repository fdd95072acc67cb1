import { createHmac } from 'node:crypto';
import type { MemoryRecord } from './store/record.ts';

/** Recognises what was forgotten without keeping it: keyed hashes, useless without this store's key. */
export interface Fingerprinter {
  /** The marks by which a record would be recognised if it came back. */
  of(
    record: Pick<MemoryRecord, 'namespace' | 'text' | 'source' | 'speaker' | 'idempotencyKey' | 'kind' | 'id'>,
  ): string[];
}

/** A text this long is no phrase that others in the same source say by chance. */
const shortestAlone = 12;

/**
 * `key`: random bytes of the store, hex. The text counts together with its source and speaker, so that a common phrase is not banned
 * everywhere; a longer text together with its source alone, punctuation aside, since the same source may be read again in another form.
 */
export function createFingerprinter(key: string): Fingerprinter {
  const mark = (...parts: readonly string[]): string =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url').slice(0, 27);
  return {
    of(record) {
      const { text, source, speaker } = record;
      const marks = [mark('text', normalize(text), source ?? '', speaker ?? '')];
      const plain = wordsOf(text);
      if (plain.length >= shortestAlone)
        marks.push(source === undefined ? mark('words', plain, speaker ?? '') : mark('source', plain, source));
      if (record.idempotencyKey !== undefined) marks.push(mark('key', record.idempotencyKey));
      if (record.kind === 'finding') marks.push(mark('finding', record.id));
      return marks;
    },
  };
}

function wordsOf(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

function normalize(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim();
}
