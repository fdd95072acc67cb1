import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import type { JsonObject, JsonValue, WorkingMemory } from '@genie/core/ports';
import type { FileCipher } from '../cipher/file-cipher.ts';
import { writeFileAtomically } from '../write-file-atomically.ts';

/** The working file, and what forgetting does to it. */
export interface WorkingFile extends WorkingMemory {
  /** Removes every entry whose value or key `matches`. Returns how many. */
  redact(matches: (text: string) => boolean, dryRun: boolean): Promise<number>;
  /** Writes the file again, e.g. under a new key. */
  rewrite(): Promise<void>;
}

interface WorkingContent {
  readonly version: 1;
  readonly values: JsonObject;
}

/** Largest working file: small state between runs, not a database. */
const maxWorkingBytes = 4 * 1024 * 1024;

/** `working.json` of a folder; in memory without one. Writes are queued, so two of them never mix. */
export function openWorkingFile(file: string | undefined, cipher?: FileCipher): WorkingFile {
  let values: Record<string, JsonValue> | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  const load = async (): Promise<Record<string, JsonValue>> => {
    values ??= file === undefined ? bare({}) : await readValues(file, cipher);
    return values;
  };
  const change = <Result>(work: (current: Record<string, JsonValue>) => Promise<Result>): Promise<Result> => {
    const next = queue.then(async () => work(bare(await load())));
    queue = next.catch(() => undefined);
    return next;
  };
  const save = async (next: Record<string, JsonValue>): Promise<void> => {
    if (file !== undefined) await writeValues(file, next, cipher);
    values = next;
  };
  return {
    async get(key) {
      await queue;
      const value = (await load())[key];
      return value === undefined ? undefined : copy(value);
    },
    set(key, value) {
      const own = copy(value);
      return change((current) => save(Object.assign(current, { [key]: own })));
    },
    delete: (key) =>
      change(async (current) => {
        if (!(key in current)) return;
        delete current[key];
        await save(current);
      }),
    redact: (matches, dryRun) =>
      change(async (current) => {
        const hit = Object.entries(current).filter(([key, value]) => matches(key) || matches(JSON.stringify(value)));
        for (const [key] of hit) delete current[key];
        if (hit.length > 0 && !dryRun) await save(current);
        return hit.length;
      }),
    rewrite: () => change(async (current) => (Object.keys(current).length > 0 ? save(current) : undefined)),
  };
}

/** A copy without a prototype, so that `constructor` is a key like any other. */
function bare(values: JsonObject): Record<string, JsonValue> {
  return Object.assign(Object.create(null), values) as Record<string, JsonValue>;
}

/** What was given or read does not change with the caller's object. */
function copy(value: JsonValue): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}

async function readValues(file: string, cipher: FileCipher | undefined): Promise<Record<string, JsonValue>> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return bare({});
    throw new GenieError('GENIE_MEMORY_STORE', `${file} cannot be read: ${describeThrown(error)}`, { cause: error });
  }
  const plain = cipher ? cipher.decrypt(bytes, 'working') : bytes;
  try {
    const content = JSON.parse(new TextDecoder().decode(plain)) as WorkingContent;
    if (content?.version !== 1 || typeof content.values !== 'object') throw new Error('unknown form');
    return bare(content.values);
  } catch (error) {
    throw new GenieError(
      'GENIE_MEMORY_CORRUPT',
      `${file} is not a working file (${describeThrown(error)}). Move it away to start with an empty one.`,
      { cause: error, details: { file } },
    );
  }
}

async function writeValues(file: string, values: JsonObject, cipher: FileCipher | undefined): Promise<void> {
  const content: WorkingContent = { version: 1, values };
  const bytes = new TextEncoder().encode(`${JSON.stringify(content, undefined, cipher ? 0 : 2)}\n`);
  if (bytes.length > maxWorkingBytes) {
    throw new GenieError(
      'GENIE_MEMORY_INPUT',
      `working.json would grow to ${bytes.length} bytes; at most ${maxWorkingBytes} fit. Keep large findings with remember().`,
      { details: { sizeBytes: bytes.length } },
    );
  }
  await mkdir(path.dirname(file), { recursive: true });
  await writeFileAtomically(file, cipher ? cipher.encrypt(bytes, 'working') : bytes);
}
