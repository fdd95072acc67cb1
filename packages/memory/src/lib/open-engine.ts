import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import { type Clock, createIds } from '@genie/core/ports';
import type { FileCipher } from './cipher/file-cipher.ts';
import type { CipherOptions } from './cipher/key-file.ts';
import { checkSealing, openSealed, type Sealed } from './cipher/open-sealed.ts';
import { createMutex } from './create-mutex.ts';
import type { Engine } from './engine.ts';
import { createFingerprinter } from './fingerprint.ts';
import { IndexSet } from './index-set.ts';
import type { MemoryOptions } from './memory-options.ts';
import { createIndexCache } from './rank/index-cache.ts';
import { createScrubber } from './scrubber.ts';
import type { RecordStore } from './store/record-store.ts';
import { openSqliteDatabase } from './store/sqlite-database.ts';
import { createSqliteStore } from './store/sqlite-store.ts';
import { openHistory } from './tiers/history.ts';
import { openWorkingFile } from './tiers/working.ts';
import { type AnyEmbedder, guardEmbedder } from './vectors/embedder.ts';
import { createVectorSearch } from './vectors/vector-search.ts';

type EngineOptions = MemoryOptions & { readonly clock: Clock };

/** Opens the files of a memory. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { dir, clock, cipher } = options;
  if (dir !== undefined) await makeFolder(dir);
  if (dir !== undefined) checkSealing(dir, cipher);
  const sealed =
    dir !== undefined && cipher ? await openSealed(dir, cipher, options.durability ?? 'process') : undefined;
  const store = sealed?.store ?? (await openStore(options));
  try {
    const engine: Engine = {
      store,
      clock,
      ids: createIds(clock),
      scrubber: createScrubber(store, clock),
      historyMutex: createMutex(),
      fingerprints: createFingerprinter(await store.identity()),
      ...openFiles(options, store, sealed?.cipher),
      ...(sealed ? { rotateKey: (next: CipherOptions) => sealed.rotate(next, () => rewriteFiles(engine)) } : {}),
    };
    await finishRotation(engine, sealed, cipher);
    return engine;
  } catch (error) {
    await store.close();
    throw error;
  }
}

function openFiles(options: EngineOptions, store: RecordStore, cipher: FileCipher | undefined) {
  const { dir, clock, embedder, embedTimeoutMs } = options;
  const inDir = (name: string): string | undefined => (dir === undefined ? undefined : path.join(dir, name));
  const vectorFolder = inDir('vectors');
  return {
    indexes: new IndexSet(
      store,
      vectorFolder === undefined ? undefined : createIndexCache(vectorFolder, store, cipher),
    ),
    working: openWorkingFile(inDir('working.json'), cipher),
    history: openHistory(inDir('history'), cipher),
    ...(embedder
      ? {
          vectors: createVectorSearch({
            store,
            clock,
            embedder: guardEmbedder(embedder as AnyEmbedder),
            queryTimeoutMs: embedTimeoutMs ?? 2_000,
            ...(vectorFolder === undefined ? {} : { folder: vectorFolder }),
            ...(cipher ? { cipher } : {}),
            ...(options.openVectorStore ? { openStore: options.openVectorStore } : {}),
          }),
        }
      : {}),
  };
}

/** Files beside the records, written again under the newest key; caches are dropped and come back by themselves. */
async function rewriteFiles(engine: Engine): Promise<void> {
  await engine.working.rewrite();
  await engine.historyMutex(() => engine.history.rewrite());
  await engine.indexes.rebuild();
  await engine.vectors?.rebuild();
}

async function finishRotation(
  engine: Engine,
  sealed: Sealed | undefined,
  cipher: CipherOptions | undefined,
): Promise<void> {
  if (sealed?.isHalfRotated && cipher) await sealed.finishRotation(cipher, () => rewriteFiles(engine));
}

async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
  } catch (error) {
    throw new GenieError('GENIE_MEMORY_STORE', `The memory folder ${dir} cannot be made: ${describeThrown(error)}`, {
      cause: error,
    });
  }
}

async function openStore({ dir, store, durability }: MemoryOptions): Promise<RecordStore> {
  if (typeof store === 'object') return store;
  const file = dir === undefined ? ':memory:' : path.join(dir, 'knowledge.db');
  const database = await openSqliteDatabase(file, durability ?? 'process');
  return createSqliteStore(database, {
    capabilities: { name: 'sqlite', durable: dir !== undefined, encrypted: false },
  });
}
