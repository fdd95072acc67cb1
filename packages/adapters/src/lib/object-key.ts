import { GenieError } from '@genie/core/errors';

const segmentForm = /^[A-Za-z0-9._-]{1,200}$/;

/** The segments of a key. Throws `GENIE_OBJECT_KEY`. */
export function readKey(key: string): readonly string[] {
  const segments = key.split('/');
  const isUsable =
    key.length <= 900 && segments.every((segment) => segmentForm.test(segment) && segment !== '.' && segment !== '..');
  if (isUsable) return segments;
  throw new GenieError(
    'GENIE_OBJECT_KEY',
    `Object key ${JSON.stringify(key.slice(0, 120))} is not usable: use names of letters, digits, ".", "_" and "-", joined by "/", 900 characters at most.`,
  );
}

/** Whether a text is a key. */
export function isKey(text: string): boolean {
  try {
    readKey(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * A segment as a file name that is unique on file systems that fold case, and reserved nowhere: `Con` becomes `=%con`.
 * Keys hold neither `=` nor `%`, so two keys never meet in one name.
 */
export function segmentToFileName(segment: string): string {
  return `=${segment.replace(/[A-Z]/g, (letter) => `%${letter.toLowerCase()}`)}`;
}

/** The segment a file name was made of; undefined for a file that is not ours. */
export function fileNameToSegment(name: string): string | undefined {
  if (!name.startsWith('=')) return undefined;
  return name.slice(1).replace(/%([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
