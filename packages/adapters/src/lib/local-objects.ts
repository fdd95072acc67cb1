import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import type { Clock, ObjectInfo, ObjectStore } from '@genie/core/ports';
import { systemClock } from '@genie/core/ports';
import { fileNameToSegment, readKey, segmentToFileName } from './object-key.ts';

export interface LocalObjectsOptions {
  /** Folder of the store; made when missing. */
  readonly dir: string;
  readonly clock?: Clock;
}

/** What a key file holds. Format 1. */
interface StoredInfo extends ObjectInfo {
  readonly format: 1;
  /** Name of the content's file under `data/`. */
  readonly data: string;
}

/**
 * Objects in a local folder: content under `data/`, one small JSON file a key under `keys/`. A put is seen whole or not
 * at all, also after a crash; content is checked against its SHA-256 whenever it is read.
 */
export function createLocalObjects(options: LocalObjectsOptions): ObjectStore {
  const { dir, clock = systemClock } = options;
  const dataFolder = join(dir, 'data');
  const keysFolder = join(dir, 'keys');
  const keyPath = (key: string) => `${join(keysFolder, ...readKey(key).map(segmentToFileName))}${keyFileEnding}`;

  async function readInfo(key: string): Promise<StoredInfo | undefined> {
    let text: string;
    try {
      text = await readFile(keyPath(key), 'utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw failed(dir, error);
    }
    try {
      return JSON.parse(text) as StoredInfo;
    } catch (error) {
      throw new GenieError(
        'GENIE_OBJECT_CORRUPT',
        `The entry of object "${key}" in ${dir} is damaged. Store it again.`,
        { cause: error },
      );
    }
  }

  return {
    async put(key, content, { contentType = 'application/octet-stream', signal } = {}) {
      const path = keyPath(key);
      const data = randomUUID();
      try {
        await mkdir(dataFolder, { recursive: true, mode: 0o700 });
        const written = await writeContent(join(dataFolder, data), content, signal);
        const before = await readInfo(key).catch(() => undefined);
        const info: StoredInfo = { format: 1, key, ...written, contentType, storedAt: clock.now(), data };
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await writeWhole(path, JSON.stringify(info));
        if (before) await rm(join(dataFolder, before.data), { force: true });
        return toInfo(info);
      } catch (error) {
        await rm(join(dataFolder, data), { force: true }).catch(() => undefined);
        throw GenieError.isInstance(error) || signal?.aborted ? error : failed(dir, error);
      }
    },
    async get(key, { signal } = {}) {
      const info = await readInfo(key);
      if (!info) return undefined;
      return { info: toInfo(info), content: readContent(join(dataFolder, info.data), info, signal) };
    },
    async head(key) {
      const info = await readInfo(key);
      return info && toInfo(info);
    },
    async *list(prefix = '') {
      const keys = (await listKeys(keysFolder, '')).filter((key) => key.startsWith(prefix)).sort();
      for (const key of keys) {
        const info = await readInfo(key);
        if (info) yield toInfo(info);
      }
    },
    async delete(key) {
      const info = await readInfo(key);
      if (!info) return false;
      await rm(keyPath(key), { force: true });
      await rm(join(dataFolder, info.data), { force: true });
      return true;
    },
    close: async () => undefined,
  };
}

async function writeContent(
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Pick<ObjectInfo, 'sizeBytes' | 'sha256'>> {
  const file = await open(path, 'wx', 0o600);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    for await (const chunk of content instanceof Uint8Array ? [content] : content) {
      signal?.throwIfAborted();
      hash.update(chunk);
      sizeBytes += chunk.byteLength;
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

async function* readContent(
  path: string,
  info: ObjectInfo,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, signal ? { signal } : {})) {
      hash.update(chunk as Uint8Array);
      yield chunk as Uint8Array;
    }
  } catch (error) {
    if (isMissing(error)) throw corrupt(info.key, 'its content is gone');
    throw error;
  }
  if (hash.digest('hex') !== info.sha256) throw corrupt(info.key, 'its content does not match its SHA-256');
}

async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  if (process.platform === 'win32') return;
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function listKeys(folder: string, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  for (const entry of entries) {
    const name = entry.isFile() ? readKeyFileName(entry.name) : entry.name;
    const segment = name === undefined ? undefined : fileNameToSegment(name);
    if (segment === undefined) continue;
    if (entry.isDirectory()) keys.push(...(await listKeys(join(folder, entry.name), `${prefix}${segment}/`)));
    else keys.push(`${prefix}${segment}`);
  }
  return keys;
}

/** No segment's file name ends like this, so the file of key `a` never meets the folder of key `a.json/b`. */
const keyFileEnding = '%.json';

function readKeyFileName(name: string): string | undefined {
  return name.endsWith(keyFileEnding) ? name.slice(0, -keyFileEnding.length) : undefined;
}

function toInfo({ key, sizeBytes, sha256, contentType, storedAt }: ObjectInfo): ObjectInfo {
  return { key, sizeBytes, sha256, contentType, storedAt };
}

function isMissing(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ENOENT';
}

function corrupt(key: string, reason: string): GenieError {
  return new GenieError('GENIE_OBJECT_CORRUPT', `Object "${key}" cannot be used: ${reason}. Restore it from a copy.`);
}

function failed(dir: string, error: unknown): GenieError {
  return new GenieError('GENIE_OBJECT_STORE', `The object store in ${dir} failed (${describeThrown(error)}).`, {
    cause: error,
  });
}
