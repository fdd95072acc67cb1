import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import { type Clock, createIds } from '@genie/core/ports';
import type { Engine } from './engine.ts';
import { createFingerprinter } from './fingerprint.ts';
import { IndexSet } from './index-set.ts';
import type { MemoryStats } from './memory.ts';
import type { MemoryOptions } from './memory-options.ts';
import { tiers } from './store/record.ts';
import type { RecordStore } from './store/record-store.ts';
import { openSqliteDatabase } from './store/sqlite-database.ts';
import { createSqliteStore } from './store/sqlite-store.ts';
import { openHistory } from './tiers/history.ts';
import { openWorkingFile } from './tiers/working.ts';

/** Opens the files of a memory. */
export async function openEngine(options: MemoryOptions & { readonly clock: Clock }): Promise<Engine> {
  const { dir, clock } = options;
  if (dir !== undefined) await makeFolder(dir);
  const store = await openStore(options);
  try {
    return {
      store,
      clock,
      ids: createIds(clock),
      indexes: new IndexSet(store),
      fingerprints: createFingerprinter(await store.identity()),
      working: openWorkingFile(dir === undefined ? undefined : path.join(dir, 'working.json')),
      history: openHistory(dir === undefined ? undefined : path.join(dir, 'history')),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
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

export async function readStats(engine: Engine): Promise<MemoryStats> {
  const stats = await engine.store.stats();
  const byTier: Record<string, number> = {};
  for (const namespace of stats.namespaces) {
    for (const tier of tiers) {
      if (tier === 'associative') continue;
      byTier[tier] =
        (byTier[tier] ?? 0) + (await engine.store.find({ namespace, tiers: [tier], status: ['live'] })).length;
    }
  }
  byTier.associative = stats.live - Object.values(byTier).reduce((sum, count) => sum + count, 0);
  return { ...stats, byTier, waitingForEmbedding: stats.outbox };
}
