import type { Engine } from './engine.ts';
import type { MemoryStats } from './memory.ts';
import { tiers } from './store/record.ts';
import { waitingEntries } from './store/waiting-entries.ts';

/** Counts of everything, for people and for the memory page. */
export async function readStats(engine: Engine): Promise<MemoryStats> {
  const stats = await engine.store.stats();
  const byTier: Record<string, number> = {};
  let waiting = 0;
  for (const namespace of stats.namespaces) {
    for (const tier of tiers) {
      if (tier === 'associative') continue;
      byTier[tier] =
        (byTier[tier] ?? 0) + (await engine.store.find({ namespace, tiers: [tier], status: ['live'] })).length;
    }
    waiting += (await waitingEntries(engine.store, namespace, { kind: 'embed' })).length;
  }
  byTier.associative = stats.live - Object.values(byTier).reduce((sum, count) => sum + count, 0);
  return { ...stats, byTier, waitingForEmbedding: waiting };
}
