import type { Engine } from './engine.ts';
import type { MemoryInput, Remembered, WithSignal } from './memory.ts';
import { inputToRecord } from './memory-input.ts';
import type { MemoryRecord } from './store/record.ts';
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
    results.push(...(await storeChunk(engine, records.slice(start, end), inputs.slice(start, end), signal)));
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

async function storeChunk(
  engine: Engine,
  records: readonly MemoryRecord[],
  inputs: readonly MemoryInput[],
  signal: AbortSignal | undefined,
): Promise<Remembered[]> {
  const namespace = records[0]?.namespace ?? '';
  const given = inputs.flatMap((input, at) => (input.id === undefined ? [] : [records[at]?.id ?? '']));
  const existing = new Map(
    (given.length > 0 ? await engine.store.get(namespace, given) : []).map((record) => [record.id, record]),
  );
  const put: MemoryRecord[] = [];
  const expect: { id: string; revision: number }[] = [];
  const results: (Remembered | undefined)[] = records.map((record) => {
    const known = existing.get(record.id);
    if (known && known.text === record.text && known.status === 'live') return { id: record.id, status: 'duplicate' };
    if (known) {
      put.push(retire(known, engine.clock.now()));
      expect.push({ id: known.id, revision: known.revision });
    }
    put.push(record);
    return undefined;
  });
  const at = new Map(records.map((record, index) => [record, index]));
  const fingerprints = put.map((record) => {
    const index = at.get(record);
    return index === undefined || inputs[index]?.restore === true ? [] : engine.fingerprints.of(record);
  });
  const restored = records.filter((_record, index) => inputs[index]?.restore === true);
  const receipt = await engine.store.commit(
    {
      namespace,
      put,
      fingerprints,
      expect,
      allow: restored.flatMap((record) => engine.fingerprints.of(record)),
      enqueue: engine.vectors ? put.filter((record) => at.has(record)).map(embedEntry) : [],
    },
    signal ? { signal } : {},
  );
  put.forEach((record, index) => {
    const place = at.get(record);
    const result = receipt.results[index];
    if (place !== undefined && result)
      results[place] =
        existing.has(record.id) && result.status === 'stored' ? { ...result, status: 'replaced' } : result;
  });
  return results.flatMap((result) => result ?? []);
}

export function embedEntry(record: Pick<MemoryRecord, 'id'>): OutboxEntry {
  return { id: `embed:${record.id}`, kind: 'embed', payload: record.id };
}

/** The older version of a memory under an id of its own. */
function retire(known: MemoryRecord & { readonly revision: number }, now: number): MemoryRecord {
  const { revision, idempotencyKey: _key, ...rest } = known as MemoryRecord & { revision: number; seq?: number };
  const { seq: _seq, ...record } = rest;
  return { ...record, id: `${known.id}@${revision}`, status: 'superseded', retiredAt: now, retiredBy: known.id };
}
