import { statSync } from 'node:fs';
import path from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import { parseJson } from '@genie/core/ports';
import { readTextIfAny, writeFileAtomic } from './atomic-file.ts';
import type { DefinitionSet } from './metrics-store.ts';

const format = 'genie.kpis';

/** Reads `definitions.json`. Throws `GENIE_METRICS_FORMAT` when it is something else. */
export function loadDefinitionFile(dir: string): DefinitionSet {
  const file = path.join(dir, 'definitions.json');
  const text = readTextIfAny(file);
  if (text === undefined) return { version: 0, definitions: [] };
  const value = parse(file, text);
  if (
    value.format !== format ||
    value.v !== 1 ||
    !Array.isArray(value.definitions) ||
    !Number.isSafeInteger(value.version)
  ) {
    const got = JSON.stringify({ format: value.format, v: value.v, version: value.version });
    throw damaged(file, `it holds ${got}, expected format ${format}, v 1, a version and a list of definitions`);
  }
  return { version: value.version as number, definitions: value.definitions };
}

/** Reads the file only when it changed: definitions are looked up for every observation. */
export function createDefinitionReader(dir: string): () => DefinitionSet {
  let stamp = '';
  let cached: DefinitionSet = { version: 0, definitions: [] };
  return () => {
    const facts = statSync(path.join(dir, 'definitions.json'), { bigint: true, throwIfNoEntry: false });
    const next = facts === undefined ? 'none' : `${facts.ino}:${facts.mtimeNs}:${facts.size}`;
    if (next !== stamp) {
      cached = loadDefinitionFile(dir);
      stamp = next;
    }
    return cached;
  };
}

export function saveDefinitionFile(dir: string, next: DefinitionSet): void {
  const content = { format, v: 1, version: next.version, definitions: next.definitions };
  writeFileAtomic(path.join(dir, 'definitions.json'), `${JSON.stringify(content, undefined, 2)}\n`);
}

interface DefinitionFile {
  readonly format?: unknown;
  readonly v?: unknown;
  readonly version?: unknown;
  readonly definitions?: DefinitionSet['definitions'];
}

function parse(file: string, text: string): DefinitionFile {
  try {
    const value = parseJson(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    throw damaged(file, describeThrown(error), error);
  }
  throw damaged(file, 'it is no JSON object');
}

function damaged(file: string, why: string, cause?: unknown): GenieError {
  const message = `${file} cannot be read: ${why}. Repair it, or move it away and define the KPIs again.`;
  return new GenieError('GENIE_METRICS_FORMAT', message, { cause, details: { file } });
}
