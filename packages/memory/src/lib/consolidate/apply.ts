import type { JsonObject, JsonValue } from '@genie/core/ports';
import type { Engine } from '../engine.ts';
import type { MemoryRecord, StoredRecord } from '../store/record.ts';
import { contentOf, hashOf, type Operation } from './operation.ts';

/** One commit. Returns the id under which it can be undone, or undefined when there was nothing to do. */
export async function apply(
  engine: Engine,
  namespace: string,
  operations: readonly Operation[],
): Promise<string | undefined> {
  if (operations.length === 0) return undefined;
  const now = engine.clock.now();
  const put = new Map<string, MemoryRecord>();
  const before = new Map<string, StoredRecord>();
  const change = (record: StoredRecord, to: Partial<MemoryRecord>): void => {
    if (!before.has(record.id)) before.set(record.id, record);
    put.set(record.id, { ...(put.get(record.id) ?? contentOf(record)), ...to });
  };
  for (const operation of operations) applyOne(operation, { now, put, change });
  const created = [...put.keys()].filter((id) => !before.has(id));
  const payload: JsonObject = {
    before: [...before.values()].map((record) => contentOf(record) as unknown as JsonValue),
    after: Object.fromEntries([...put].map(([id, record]) => [id, hashOf(record)])),
    created,
  };
  const id = engine.ids.next('op');
  await engine.store.commit({
    namespace,
    put: [...put.values()],
    fingerprintsOf: (record) => (created.includes(record.id) ? engine.fingerprints.of(record) : []),
    expect: expectations([...before.values(), ...operations.flatMap(sourcesOf)]),
    operation: { id, at: now, kind: 'consolidate', payload: JSON.stringify(payload) },
  });
  return id;
}

/** What was forgotten or changed while a summary was written must not come back in it, nor in a pattern. */
function sourcesOf(operation: Operation): readonly StoredRecord[] {
  return operation.kind === 'summary' || operation.kind === 'pattern' ? operation.sources : [];
}

function expectations(records: readonly StoredRecord[]): { id: string; revision: number }[] {
  return [...new Map(records.map(({ id, revision }) => [id, { id, revision }])).values()];
}

interface Application {
  readonly now: number;
  readonly put: Map<string, MemoryRecord>;
  readonly change: (record: StoredRecord, to: Partial<MemoryRecord>) => void;
}

function applyOne(operation: Operation, { now, put, change }: Application): void {
  const retire = (records: readonly StoredRecord[], by: string): void => {
    for (const record of records) change(record, { status: 'merged', retiredAt: now, retiredBy: by });
  };
  if (operation.kind === 'merge') {
    const importance = Math.max(operation.survivor.importance, ...operation.merged.map((one) => one.importance));
    change(operation.survivor, { importance });
    retire(operation.merged, operation.survivor.id);
  } else if (operation.kind === 'summary') {
    put.set(operation.record.id, operation.record);
    if (operation.retire) retire(operation.sources, operation.record.id);
  } else if (operation.kind === 'pattern') {
    if (operation.before) change(operation.before, operation.record);
    else put.set(operation.record.id, operation.record);
  } else {
    change(operation.record, { importance: operation.importance });
  }
}
