import { describeThrown } from '@genie/core/errors';
import type { Clock } from '@genie/core/ports';
import type { NamespaceIndex } from '../index-set.ts';
import type { OutboxEntry } from '../store/record-store.ts';
import { waitingEntries } from '../store/waiting-entries.ts';
import { createInt8Scan, type Int8Scan } from './int8-scan.ts';
import { dropScans, readScan, type ScanCacheOptions, saveScan } from './scan-cache.ts';
import type { VectorStore } from './vector-store.ts';

export interface VectorAnswer {
  /** Cosine similarity by document number; undefined when this leg could not be searched. */
  readonly byDoc?: ReadonlyMap<number, number>;
  readonly degraded?: string;
}

export interface VectorRequest {
  readonly namespace: string;
  readonly query: string;
  readonly target: NamespaceIndex;
  readonly k: number;
  readonly signal?: AbortSignal;
}

/** The second leg of recall. Never rejects because of the embedder. */
export interface VectorSearch {
  search(request: VectorRequest): Promise<VectorAnswer>;
  /** Embeds what waits in the outbox. Returns how many were embedded. Rejects when the embedder fails; what waits keeps waiting. */
  drain(namespace: string, options: { readonly signal?: AbortSignal; readonly until: number }): Promise<number>;
  /** Called before the records are removed: a crash in between loses cached vectors, which come back, and keeps none that should be gone. */
  forget(namespace: string, ids: readonly string[]): Promise<void>;
  rebuild(): Promise<void>;
  save(): Promise<void>;
  close(): Promise<void>;
}

/** Where the vectors of one namespace and model are searched; asked for once for each. */
export type OpenVectorStore = (options: {
  readonly namespace: string;
  readonly model: string;
  readonly dimension: number;
  /** The vectors as they were embedded, of those ids that have one, for rescoring. */
  readonly exactVectors: (ids: readonly string[]) => Promise<ReadonlyMap<string, Float32Array>>;
}) => Promise<VectorStore>;

export interface VectorSearchOptions extends ScanCacheOptions {
  readonly clock: Clock;
  /** How long recall waits for the vector of a query before it answers without. */
  readonly queryTimeoutMs: number;
  readonly openStore?: OpenVectorStore;
}

interface OpenVectors {
  readonly vectors: VectorStore;
  /** The namespace's last change when it was loaded. */
  readonly revision: number;
  /** What this process added since, by id: the revision of the record that was embedded. */
  readonly added: Map<string, number>;
}

const batchSize = 64;
const batchTimeoutMs = 60_000;
const loadPage = 5_000;
/** Longer texts are embedded by their beginning, as embedding models do themselves. */
const maxEmbeddedLength = 8_000;

export function createVectorSearch(options: VectorSearchOptions): VectorSearch {
  const { store, embedder, clock } = options;
  const scans = new Map<string, Promise<OpenVectors | undefined>>();
  const open = (namespace: string): Promise<OpenVectors | undefined> => {
    let scan = scans.get(namespace);
    if (!scan) {
      scan = loadScan(options, namespace);
      scans.set(namespace, scan);
    }
    return scan;
  };
  return {
    async search({ namespace, query, target, k, signal }) {
      const scan = (await open(namespace))?.vectors;
      if (!scan || scan.size === 0) return { degraded: 'no memory has a vector yet; searched by words' };
      try {
        const [vector] = await embedder.embed([query], {
          timeoutMs: options.queryTimeoutMs,
          ...(signal ? { signal } : {}),
        });
        const matches = vector ? await scan.search(vector, k) : [];
        return { byDoc: toDocuments(matches, target) };
      } catch (error) {
        signal?.throwIfAborted();
        return { degraded: `searched by words only: ${describeThrown(error)}` };
      }
    },
    async drain(namespace, { signal, until }) {
      let embedded = 0;
      while (clock.elapsed() < until) {
        signal?.throwIfAborted();
        const waiting = await waitingEntries(store, namespace, { kind: 'embed', limit: batchSize });
        if (waiting.length === 0) return embedded;
        const { rows, revisions } = await embedBatch(options, { namespace, waiting, ...(signal ? { signal } : {}) });
        embedded += rows.length;
        const scan = await scans.get(namespace);
        if (!scan) {
          scans.delete(namespace);
          continue;
        }
        await scan.vectors.add(rows);
        for (const [id, revision] of revisions) scan.added.set(id, revision);
      }
      return embedded;
    },
    async forget(namespace, ids) {
      // A store with files of its own has to be opened to forget; the scan of this package is a cache that goes as a whole.
      const scan = await (options.openStore ? open(namespace) : scans.get(namespace));
      await scan?.vectors.remove(ids);
      await dropScans(options.folder);
    },
    async rebuild() {
      await this.close();
      await dropScans(options.folder);
    },
    async save() {
      for (const [namespace, opening] of scans) {
        const scan = await opening;
        if (!scan || !isInt8Scan(scan.vectors)) continue;
        if (await catchUp(options, namespace, scan)) await saveScan(options, namespace, scan.vectors);
        else await dropScans(options.folder);
      }
    },
    async close() {
      const opened = [...scans.values()];
      scans.clear();
      for (const opening of opened) await (await opening.catch(() => undefined))?.vectors.close();
    },
  };
}

function toDocuments(
  matches: readonly { id: string; similarity: number }[],
  { index }: NamespaceIndex,
): Map<number, number> {
  const byDoc = new Map<number, number>();
  for (const { id, similarity } of matches) {
    const doc = index.docOf(id);
    if (doc !== undefined) byDoc.set(doc, Math.max(0, similarity));
  }
  return byDoc;
}

interface Batch {
  readonly namespace: string;
  readonly waiting: readonly OutboxEntry[];
  readonly signal?: AbortSignal;
}

async function embedBatch({ store, embedder }: VectorSearchOptions, { namespace, waiting, signal }: Batch) {
  const records = await store.get(
    namespace,
    waiting.map(({ payload }) => payload),
  );
  const texts = records.map(({ text }) => text.slice(0, maxEmbeddedLength));
  const vectors =
    texts.length > 0 ? await embedder.embed(texts, { timeoutMs: batchTimeoutMs, ...(signal ? { signal } : {}) }) : [];
  const rows = records.flatMap(({ id }, at) => {
    const vector = vectors[at];
    return vector ? [{ id, model: embedder.model, vector }] : [];
  });
  await store.commit({ namespace, vectors: rows, dequeue: waiting.map(({ id }) => id) });
  // A record that was forgotten while it was embedded has no vector now and must not get one in a cache.
  return {
    rows: await store.vectors(namespace, embedder.model, { ids: rows.map(({ id }) => id) }),
    revisions: records.map(({ id, revision }) => [id, revision] as const),
  };
}

function isInt8Scan(store: VectorStore): store is Int8Scan {
  return store.capabilities.name === 'int8-scan';
}

/**
 * Follows what other processes added, replaced or forgot since the vectors were loaded. False when they still differ from the records: then
 * they must not be kept, because the next process would take them for complete.
 */
async function catchUp(
  { store, embedder }: VectorSearchOptions,
  namespace: string,
  { vectors, revision, added }: OpenVectors,
): Promise<boolean> {
  for (let after = revision; ; ) {
    const changes = await store.changes(namespace, after, loadPage);
    const changed = changes.records.filter((record) => added.get(record.id) !== record.revision);
    const ids = [...changes.removed, ...changed.map(({ id }) => id)];
    if (ids.length > 0) {
      const rows = await store.vectors(namespace, embedder.model, { ids });
      const present = new Set(rows.map(({ id }) => id));
      await vectors.remove(ids.filter((id) => !present.has(id)));
      await vectors.add(rows.filter(({ vector }) => vector.length === vectors.dimension));
    }
    if (changes.revision === after || changes.records.length < loadPage) break;
    after = changes.revision;
  }
  return vectors.size === (await store.countVectors(namespace, embedder.model));
}

async function loadScan(options: VectorSearchOptions, namespace: string): Promise<OpenVectors | undefined> {
  const revision = await options.store.revision(namespace);
  const vectors = await loadVectors(options, namespace);
  return vectors && { vectors, revision, added: new Map() };
}

async function loadVectors(options: VectorSearchOptions, namespace: string): Promise<VectorStore | undefined> {
  const { store, embedder } = options;
  const [first] = await store.vectors(namespace, embedder.model, { limit: 1 });
  if (!first) return undefined;
  const dimension = first.vector.length;
  const exactVectors = async (ids: readonly string[]): Promise<Map<string, Float32Array>> =>
    new Map((await store.vectors(namespace, embedder.model, { ids })).map(({ id, vector }) => [id, vector]));
  if (options.openStore) {
    const opened = await options.openStore({ namespace, model: embedder.model, dimension, exactVectors });
    return fill(options, namespace, opened);
  }
  const cached = await readScan(options, namespace);
  const scan = createInt8Scan({ dimension, exactVectors }, cached);
  return cached ? scan : fill(options, namespace, scan);
}

/** Adds what the store does not have. What it has too much of is left out of answers, since a match needs a live record. */
async function fill(
  { store, embedder }: VectorSearchOptions,
  namespace: string,
  target: VectorStore,
): Promise<VectorStore> {
  for (let afterId: string | undefined; ; ) {
    const page = await store.vectors(namespace, embedder.model, {
      limit: loadPage,
      ...(afterId === undefined ? {} : { afterId }),
    });
    // A model that changed its dimension under the same id: the others cannot be compared and are left out.
    const missing = page.filter(({ id, vector }) => vector.length === target.dimension && !target.has(id));
    if (missing.length > 0) await target.add(missing);
    afterId = page.at(-1)?.id;
    if (page.length < loadPage) return target;
  }
}
