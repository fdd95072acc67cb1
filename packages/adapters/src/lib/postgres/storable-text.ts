import { createHash } from 'node:crypto';

/** Postgres text cannot hold U+0000, and UTF-8 no half of a surrogate pair. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: U+0000 is what must not get through.
const needsEscape = /[\\\u0000]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const maxKeyLength = 400;

/**
 * Any string as a key column: equal only for equal strings, in an order that does not depend on the locale (the columns are COLLATE "C"), and short
 * enough for an index. The string itself is kept in the JSON beside it.
 */
export function toKey(text: string): string {
  const escaped = text.replace(needsEscape, (part) =>
    part === '\\' ? '\\\\' : `\\u${part.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  if (escaped.length <= maxKeyLength) return escaped;
  const hash = createHash('sha256').update(text, 'utf16le').digest('hex');
  // A single backslash before another letter: no escaped text has one.
  return `${escaped.slice(0, 200)}\\h${hash}`;
}

/** Text for people and for full text search only: what cannot be stored is left out. */
export function toShownText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', ' ');
}

/** JSON text that Postgres can hold: `JSON.stringify` escapes both. */
export function toJsonText(value: unknown): string {
  return JSON.stringify(value);
}
