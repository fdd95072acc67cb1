import { GenieError } from '@genie/core/errors';

/**
 * Splits a path below a folder into its names. Nothing is looked up.
 * Throws `GENIE_PATH_INVALID` for NUL bytes, names over 255 bytes and paths over 4,096 characters, `GENIE_PATH_OUTSIDE`
 * for absolute paths and for `..` that climbs above the folder.
 */
export function splitConfinedPath(path: string): string[] {
  if (path.includes('\0') || path.length > 4096) {
    throw new GenieError(
      'GENIE_PATH_INVALID',
      `The path ${JSON.stringify(path.slice(0, 80))} holds a NUL byte or is longer than 4,096 characters: pass an ordinary relative path.`,
    );
  }
  const separator = process.platform === 'win32' ? /[\\/]/ : /\//;
  if (separator.test(path.slice(0, 1)) || (process.platform === 'win32' && /^[A-Za-z]:/.test(path)))
    throw outside(path);
  const names: string[] = [];
  for (const name of path.split(separator)) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (names.pop() === undefined) throw outside(path);
      continue;
    }
    if (Buffer.byteLength(name) > 255) {
      throw new GenieError(
        'GENIE_PATH_INVALID',
        `The name ${JSON.stringify(name.slice(0, 80))} is longer than 255 bytes: shorten it.`,
      );
    }
    names.push(name);
  }
  return names;
}

function outside(path: string): GenieError {
  return new GenieError(
    'GENIE_PATH_OUTSIDE',
    `The path ${JSON.stringify(path.slice(0, 200))} leads out of its folder: pass a path relative to it, without leading "/" or "..".`,
  );
}
