import * as fs from 'node:fs';
import { join } from 'node:path';
import { describeThrown, GenieError } from '../genie-error.ts';
import { parseJson } from '../json.ts';

/** What every reader of a home needs to know of its `genie.json`, whatever else is in it. */
export interface GenieIdentity {
  readonly format: 1;
  readonly id: string;
  readonly goal: string;
}

export function genieFilePath(home: string): string {
  return join(home, 'genie.json');
}

/**
 * Reads `genie.json` as far as it says whose home this is. Checked by hand: making a genie should not have to load a schema
 * library. Throws `GENIE_HOME_MISSING` (no such file), `GENIE_HOME_VERSION` (written by a newer version), `GENIE_HOME_FILE`
 * (truncated, no JSON, no id or goal) and `GENIE_HOME_UNREADABLE`.
 */
export function readGenieJson(home: string): GenieIdentity {
  const path = genieFilePath(home);
  const value = parseFile(path, readText(path)) as Partial<Record<keyof GenieIdentity, unknown>> | null;
  const format = value?.format;
  if (typeof format === 'number' && format > 1) {
    throw new GenieError(
      'GENIE_HOME_VERSION',
      `${path} has format ${format}; this version reads format 1. Upgrade @genie/core.`,
    );
  }
  for (const name of ['id', 'goal'] as const) {
    if (typeof value?.[name] === 'string' && value[name] !== '') continue;
    throw new GenieError(
      'GENIE_HOME_FILE',
      `${path} cannot be used: ${name} is ${JSON.stringify(value?.[name])}, not a text.`,
    );
  }
  if (format !== 1) {
    throw new GenieError('GENIE_HOME_FILE', `${path} cannot be used: format is ${JSON.stringify(format)}, not 1.`);
  }
  return value as GenieIdentity;
}

/** Writes `genie.json` whole or not at all: beside itself, synced, then renamed into place. Throws `GENIE_HOME_UNREADABLE`. */
export function writeGenieJson(home: string, content: GenieIdentity): void {
  writeWhole(genieFilePath(home), content, fs.renameSync);
}

/** The same for a home that has none yet. When another process was first, its file stays. */
export function createGenieJson(home: string, content: GenieIdentity): void {
  writeWhole(genieFilePath(home), content, (temporary, path) => {
    try {
      fs.linkSync(temporary, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    fs.rmSync(temporary, { force: true });
  });
}

function writeWhole(path: string, content: GenieIdentity, place: (temporary: string, path: string) => void): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const descriptor = fs.openSync(temporary, 'w', 0o600);
    try {
      fs.writeSync(descriptor, `${JSON.stringify(content, undefined, 2)}\n`);
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    place(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw new GenieError('GENIE_HOME_UNREADABLE', `${path} cannot be written (${describeThrown(error)}).`, {
      cause: error,
    });
  }
}

function readText(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      const message = `${path} does not exist. Make a genie with "genie new", or name another home.`;
      throw new GenieError('GENIE_HOME_MISSING', message, { cause: error });
    }
    throw new GenieError('GENIE_HOME_UNREADABLE', `${path} cannot be read (${describeThrown(error)}).`, {
      cause: error,
    });
  }
}

function parseFile(path: string, text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    const message = `${path} is not whole JSON (${describeThrown(error)}). Restore it from a backup or an export.`;
    throw new GenieError('GENIE_HOME_FILE', message, { cause: error });
  }
}
