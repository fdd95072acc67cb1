import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { bytesOf, joinBlocks, splitBlocks, viewAs } from '../checked-blocks.ts';
import type { FileCipher } from '../cipher/file-cipher.ts';
import type { RecordStore } from '../store/record-store.ts';
import { writeFileAtomically } from '../write-file-atomically.ts';
import type { SafeEmbedder } from './embedder.ts';
import type { Int8Scan, Int8Snapshot } from './int8-scan.ts';

/** How rows lie in the file; another one is built again. */
const layout = 2;

export interface ScanCacheOptions {
  readonly store: RecordStore;
  readonly embedder: SafeEmbedder;
  /** `vectors/` of the memory; nothing is kept without it. */
  readonly folder?: string;
  readonly cipher?: FileCipher;
}

function fileOf({ folder, embedder }: ScanCacheOptions, namespace: string): string | undefined {
  const name = createHash('sha256')
    .update(JSON.stringify([namespace, embedder.model]))
    .digest('hex')
    .slice(0, 24);
  return folder === undefined ? undefined : path.join(folder, `${name}.int8`);
}

export async function dropScans(folder: string | undefined): Promise<void> {
  if (folder === undefined) return;
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.endsWith('.int8')) await rm(path.join(folder, name), { force: true });
  }
}

/** What the cache was made from: a file that does not match is built again. */
async function describe({ store, embedder }: ScanCacheOptions, namespace: string): Promise<string> {
  const { model } = embedder;
  const count = await store.countVectors(namespace, model);
  return JSON.stringify([await store.identity(), namespace, model, await store.revision(namespace), count]);
}

export async function saveScan(options: ScanCacheOptions, namespace: string, scan: Int8Scan): Promise<void> {
  const file = fileOf(options, namespace);
  if (file === undefined || options.folder === undefined) return;
  const { dimension, ids, planes, scales } = scan.snapshot();
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const description = JSON.stringify([await describe(options, namespace), dimension, layout]);
  const bytes = joinBlocks([text(description), text(JSON.stringify(ids)), planes, bytesOf(scales)]);
  await mkdir(options.folder, { recursive: true });
  await writeFileAtomically(file, options.cipher ? options.cipher.encrypt(bytes, `int8:${namespace}`) : bytes);
}

/** The scan in the cache, or undefined when there is none that fits the records. */
export async function readScan(options: ScanCacheOptions, namespace: string): Promise<Int8Snapshot | undefined> {
  const file = fileOf(options, namespace);
  if (file === undefined) return undefined;
  try {
    const bytes: Uint8Array = await readFile(file);
    const blocks = splitBlocks(options.cipher ? options.cipher.decrypt(bytes, `int8:${namespace}`) : bytes);
    const [description, ids, planes, scales] = blocks ?? [];
    if (!description || !ids || !planes || !scales) return undefined;
    const [source, dimension, form] = JSON.parse(new TextDecoder().decode(description)) as [string, number, number?];
    if (form !== layout || source !== (await describe(options, namespace))) return undefined;
    return {
      dimension,
      ids: JSON.parse(new TextDecoder().decode(ids)) as string[],
      planes,
      scales: viewAs(scales, Float32Array),
    };
  } catch {
    // A cache that cannot be read is built again from the records.
    return undefined;
  }
}
