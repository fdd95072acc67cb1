import { readSync } from 'node:fs';
import { GenieError } from '@genie/core/errors';
import type { ConfinedFile, ConfinedFolder } from '../confine/confined-folder.ts';

/** Reads at most `maxBytes` from `offset` of an open file; fewer at its end. */
export function readBytes(file: ConfinedFile, offset: number, maxBytes: number): Buffer {
  const wanted = Math.max(0, Math.min(maxBytes, file.stats.size - offset));
  const buffer = Buffer.allocUnsafe(wanted);
  let filled = 0;
  while (filled < wanted) {
    const count = readSync(file.fd, buffer, filled, wanted - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return buffer.subarray(0, filled);
}

/** Reads a small part of a file below a folder and closes it. */
export function readStart(folder: ConfinedFolder, path: string, maxBytes: number): Buffer {
  const file = folder.openFile(path);
  try {
    return readBytes(file, 0, maxBytes);
  } finally {
    file.close();
  }
}

/** A NUL byte in the first 8,000 bytes marks binary content (the rule git uses), unless a UTF-16 mark comes first. */
export function isBinary(bytes: Uint8Array): boolean {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) return false;
  return bytes.subarray(0, 8000).includes(0);
}

/** Text of bytes: UTF-8 or, by its mark, UTF-16. Invalid sequences become U+FFFD; the mark is dropped. */
export function decodeText(bytes: Uint8Array): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

/** Throws `GENIE_FILE_BINARY`. */
export function expectText(bytes: Uint8Array, path: string): string {
  if (isBinary(bytes)) {
    throw new GenieError('GENIE_FILE_BINARY', `${JSON.stringify(path)} is a binary file: use a tool for its format.`);
  }
  return decodeText(bytes);
}
