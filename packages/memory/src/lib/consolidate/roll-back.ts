import type { Engine } from '../engine.ts';
import { inputError, namespaceOf } from '../memory-input.ts';
import type { MemoryRecord } from '../store/record.ts';
import { hashOf } from './operation.ts';

/**
 * Undoes a consolidation: changed records get their state from before, created ones go. A record that was changed or forgotten since is
 * left alone. Returns how many were restored or removed. Throws `GENIE_MEMORY_UNKNOWN` for an unknown operation.
 */
export async function rollBack(engine: Engine, operationId: string, place?: string): Promise<number> {
  const namespace = namespaceOf(place);
  const [operation] = await engine.store.operations(namespace, operationId);
  if (!operation) throw inputError('operation id', operationId, 'Pass the operationId of a consolidation receipt.');
  if (operation.undoneAt !== undefined) return 0;
  const { before, after, created } = JSON.parse(operation.payload) as {
    before: MemoryRecord[];
    after: Record<string, string>;
    created: string[];
  };
  const present = new Map((await engine.store.get(namespace, Object.keys(after))).map((record) => [record.id, record]));
  const isUntouched = (id: string): boolean => {
    const record = present.get(id);
    return record !== undefined && hashOf(record) === after[id];
  };
  const restored = before.filter(({ id }) => isUntouched(id));
  const removed = created.filter(isUntouched);
  const touched = [...restored.map(({ id }) => id), ...removed];
  await engine.store.commit({
    namespace,
    put: restored,
    remove: removed,
    expect: touched.map((id) => ({ id, revision: present.get(id)?.revision ?? 0 })),
    operation: { ...operation, undoneAt: engine.clock.now() },
  });
  return touched.length;
}
