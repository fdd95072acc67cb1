import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { GenieError } from '@genie/core/errors';

const maxEntries = 50_000;
const maxBytes = 512 * 1024 * 1024;

/**
 * SHA-256 over names and contents of everything in a folder, in the order of names; a link counts with its target and is not
 * followed. Two folders with the same hash are the same plugin. Throws `GENIE_PLUGIN_MANIFEST` for a folder that is not there,
 * holds special files, or is too large for a plugin (50,000 entries, 512 MiB).
 */
export function hashPlugin(folder: string): string {
  const hash = createHash('sha256');
  const found = entriesBelow(folder);
  let bytes = 0;
  for (const path of found) {
    const full = join(folder, path);
    const stats = lstatSync(full);
    const content = stats.isSymbolicLink() ? Buffer.from(readlinkSync(full)) : readFile(full, stats.isFile());
    bytes += content.length;
    if (bytes > maxBytes) throw unusable(folder, `it holds more than ${maxBytes} bytes`);
    // Lengths in front: no two lists of files can be written as the same bytes.
    hash.update(`${stats.isSymbolicLink() ? 'link' : 'file'} ${Buffer.byteLength(path)} ${content.length}\n${path}\n`);
    hash.update(content);
  }
  return hash.digest('hex');
}

function readFile(path: string, isFile: boolean): Buffer {
  if (!isFile) throw unusable(path, 'it is neither a file nor a folder nor a link');
  return readFileSync(path);
}

function entriesBelow(folder: string): readonly string[] {
  const found: string[] = [];
  const open = [''];
  for (let inner = open.pop(); inner !== undefined; inner = open.pop()) {
    for (const entry of list(join(folder, inner))) {
      const path = inner === '' ? entry.name : `${inner}/${entry.name}`;
      if (entry.isDirectory()) open.push(path);
      else found.push(path);
      if (found.length > maxEntries) throw unusable(folder, `it holds more than ${maxEntries} files`);
    }
  }
  return found.sort();
}

function list(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw unusable(folder, (error as Error).message, error);
  }
}

function unusable(path: string, why: string, cause?: unknown): GenieError {
  return new GenieError('GENIE_PLUGIN_MANIFEST', `${path} cannot be a plugin: ${why}.`, { cause });
}
