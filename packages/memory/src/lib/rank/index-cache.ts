import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { FileCipher } from '../cipher/file-cipher.ts';
import type { IndexCache } from '../index-set.ts';
import type { RecordStore } from '../store/record-store.ts';
import { writeFileAtomically } from '../write-file-atomically.ts';
import { decodeIndex, encodeIndex } from './index-file.ts';
import { LexicalIndex } from './lexical-index.ts';

/** Below this many documents building the index is faster than reading a file. */
const smallestCached = 2_000;

/**
 * The word indexes in `vectors/`, one file for each namespace. Only a cache: a file that is missing, damaged, of another store or ahead of
 * the records is ignored and the index is built from the records.
 */
export function createIndexCache(folder: string, store: RecordStore, cipher?: FileCipher): IndexCache {
  const fileOf = (namespace: string): string =>
    path.join(folder, `${createHash('sha256').update(namespace).digest('hex').slice(0, 24)}.words`);
  return {
    async load(namespace) {
      try {
        const bytes: Uint8Array = await readFile(fileOf(namespace));
        const plain = cipher ? cipher.decrypt(bytes, `words:${namespace}`) : bytes;
        const found = decodeIndex(plain, { store: await store.identity(), namespace });
        if (!found || found.revision > (await store.revision(namespace))) return undefined;
        return { index: new LexicalIndex(found.state), revision: found.revision, associations: found.associations };
      } catch {
        // Whatever is wrong with a cache, the records are the truth.
        return undefined;
      }
    },
    async save(namespace, { index, revision, associations }) {
      if (index.size < smallestCached) {
        await rm(fileOf(namespace), { force: true });
        return;
      }
      await mkdir(folder, { recursive: true });
      const bytes = encodeIndex({
        store: await store.identity(),
        namespace,
        revision,
        state: index.state,
        associations,
      });
      await writeFileAtomically(fileOf(namespace), cipher ? cipher.encrypt(bytes, `words:${namespace}`) : bytes);
    },
    async drop() {
      for (const name of await readdir(folder).catch(() => [])) {
        if (name.endsWith('.words')) await rm(path.join(folder, name), { force: true });
      }
    },
  };
}
