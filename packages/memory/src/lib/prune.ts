import type { Engine } from './engine.ts';
import type { PrunePolicy } from './memory.ts';
import { inputError, namespaceOf } from './memory-input.ts';
import type { StoredRecord } from './store/record.ts';

/** Removes by policy what is no longer needed. Live memories go only when kinds are named, so age alone never deletes anything. */
export async function prune(engine: Engine, policy: PrunePolicy): Promise<{ removed: number }> {
  if (policy.olderThanMs !== undefined && !policy.kinds) {
    throw inputError(
      'prune policy',
      'olderThanMs without kinds',
      'Name the kinds that may be removed by age, e.g. kinds: ["finding"].',
    );
  }
  const namespace = namespaceOf(policy.namespace);
  const now = engine.clock.now();
  const chosen: StoredRecord[] = [];
  if (policy.retiredOlderThanMs !== undefined) {
    const before = now - policy.retiredOlderThanMs;
    const retired = await engine.store.find({ namespace, status: ['superseded', 'merged'] });
    chosen.push(...retired.filter(({ retiredAt }) => (retiredAt ?? now) < before));
  }
  if (policy.olderThanMs !== undefined && policy.kinds) {
    const before = now - policy.olderThanMs;
    const old = await engine.store.find({ namespace, kinds: policy.kinds, status: ['live'] });
    const survivors = new Set(
      (await engine.store.find({ namespace, status: ['merged'] })).flatMap(({ retiredBy }) => retiredBy ?? []),
    );
    chosen.push(
      ...old.filter(
        (one) =>
          (one.eventTime ?? one.recordedAt) < before &&
          one.importance < (policy.importanceBelow ?? 2) &&
          !survivors.has(one.id),
      ),
    );
  }
  policy.signal?.throwIfAborted();
  if (policy.dryRun || chosen.length === 0) return { removed: chosen.length };
  const receipt = await engine.store.commit({ namespace, remove: chosen.map(({ id }) => id) });
  await engine.indexes.purge(namespace);
  return { removed: receipt.removed };
}
