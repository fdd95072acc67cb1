import type { Engine } from './engine.ts';
import type { MemoryInput, Remembered, WithSignal } from './memory.ts';
import { inputToRecord } from './memory-input.ts';
import { retryOnConflict } from './retry-on-conflict.ts';
import type { MemoryRecord, StoredRecord } from './store/record.ts';
import type { OutboxEntry } from './store/record-store.ts';

/** Records of one commit. A larger call is several commits, each of them whole. */
const commitSize = 5_000;

/**
 * Stores memories. Needs no model and no embedder: a memory is findable by its words at once, its vector follows. The same id with
 * the same text is a duplicate; with another text the older version stays as history.
 */
export async function remember(
  engine: Engine,
  inputs: readonly MemoryInput[],
  { signal }: WithSignal = {},
): Promise<Remembered[]> {
  const now = engine.clock.now();
  const records = inputs.map((input) => inputToRecord(input, { now, nextId: () => engine.ids.next('mem') }));
  const results: Remembered[] = [];
  let start = 0;
  while (start < records.length) {
    signal?.throwIfAborted();
    const end = chunkEnd(records, start);
    const chunk = { records: records.slice(start, end), inputs: inputs.slice(start, end), signal };
    results.push(...(await retryOnConflict(() => storeChunk(engine, chunk))));
    start = end;
  }
  return results;
}

/** A chunk has one namespace and no id twice, so that the later of two inputs sees the earlier. */
function chunkEnd(records: readonly MemoryRecord[], start: number): number {
  const seen = new Set<string>();
  let end = start;
  for (; end < records.length && end - start < commitSize; end += 1) {
    const record = records[end];
    if (!record || record.namespace !== records[start]?.namespace || seen.has(record.id)) break;
    seen.add(record.id);
  }
  return end;
}

interface Chunk {
  readonly records: readonly MemoryRecord[];
  readonly inputs: readonly MemoryInput[];
  readonly signal: AbortSignal | undefined;
}

async function storeChunk(engine: Engine, { records, inputs, signal }: Chunk): Promise<Remembered[]> {
  const namespace = records[0]?.namespace ?? '';
  // An id that was made here is new.
  const given = records.filter((_record, at) => inputs[at]?.id !== undefined).map(({ id }) => id);
  const found = given.length > 0 ? await engine.store.get(namespace, given) : [];
  const existing = new Map(found.map((record) => [record.id, record]));
  const isSame = (record: MemoryRecord): boolean => {
    const known = existing.get(record.id);
    return known !== undefined && known.text === record.text && known.status === 'live';
  };
  const fresh = records.filter((record) => !isSame(record));
  const older = fresh.flatMap(({ id }) => existing.get(id) ?? []);
  const restored = new Set(records.filter((_record, at) => inputs[at]?.restore === true).map(({ id }) => id));
  const isFresh = new Set(fresh.map(({ id }) => id));
  const receipt = await engine.store.commit(
    {
      namespace,
      put: [...fresh, ...older.map((record) => toVersion(record, engine.clock.now()))],
      fingerprintsOf: (record) =>
        isFresh.has(record.id) && !restored.has(record.id) ? engine.fingerprints.of(record) : [],
      expect: given.filter((id) => isFresh.has(id)).map((id) => ({ id, revision: existing.get(id)?.revision ?? 0 })),
      allow: records.filter(({ id }) => restored.has(id)).flatMap((record) => engine.fingerprints.of(record)),
      enqueue: engine.vectors ? fresh.map(embedEntry) : [],
    },
    signal ? { signal } : {},
  );
  const results = new Map(fresh.map(({ id }, at) => [id, receipt.results[at]]));
  return records.map(({ id }) => results.get(id) ?? { id, status: 'duplicate' });
}

export function embedEntry(record: Pick<MemoryRecord, 'id'>): OutboxEntry {
  return { id: `embed:${record.id}`, kind: 'embed', payload: record.id };
}

/** The older version of a memory under an id of its own. Its idempotency key stays with the id. */
function toVersion(known: StoredRecord, now: number): MemoryRecord {
  const { seq: _seq, revision, idempotencyKey: _key, ...record } = known;
  return { ...record, id: `${known.id}@${revision}`, status: 'superseded', retiredAt: now, retiredBy: known.id };
}
