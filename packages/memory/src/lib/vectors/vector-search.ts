import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { describeThrown } from '@genie/core/errors';
import type { Clock } from '@genie/core/ports';
import { bytesOf, joinBlocks, splitBlocks, viewAs } from '../checked-blocks.ts';
import type { FileCipher } from '../cipher/file-cipher.ts';
import type { NamespaceIndex } from '../index-set.ts';
import type { OutboxEntry, RecordStore } from '../store/record-store.ts';
import { writeFileAtomically } from '../write-file-atomically.ts';
import type { SafeEmbedder } from './embedder.ts';
import { createInt8Scan, type Int8Scan } from './int8-scan.ts';
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
}

/** Where the vectors of one namespace and model are searched; asked for once for each. */
export type OpenVectorStore = (options: {
  readonly namespace: string;
  readonly model: string;
  readonly dimension: number;
}) => Promise<VectorStore>;

export interface VectorSearchOptions {
  readonly store: RecordStore;
  readonly embedder: SafeEmbedder;
  readonly clock: Clock;
  /** How long recall waits for the vector of a query before it answers without. */
  readonly queryTimeoutMs: number;
  readonly folder?: string;
  readonly openStore?: OpenVectorStore;
  readonly cipher?: FileCipher;
}

const batchSize = 64;
const batchTimeoutMs = 60_000;
const loadPage = 5_000;
/** Longer texts are embedded by their beginning, as embedding models do themselves. */
const maxEmbeddedLength = 8_000;

export function createVectorSearch(options: VectorSearchOptions): VectorSearch {
  const { store, embedder, clock } = options;
  const scans = new Map<string, Promise<VectorStore | undefined>>();
  const open = (namespace: string): Promise<VectorStore | undefined> => {
    let scan = scans.get(namespace);
    if (!scan) {
      scan = loadScan(options, namespace);
      scans.set(namespace, scan);
    }
    return scan;
  };
  return {
    async search({ namespace, query, target, k, signal }) {
      const scan = await open(namespace);
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
        const waiting = (await store.outbox(namespace, batchSize)).filter(({ kind }) => kind === 'embed');
        if (waiting.length === 0) return embedded;
        const rows = await embedBatch(options, { namespace, waiting, ...(signal ? { signal } : {}) });
        embedded += rows.length;
        const scan = await scans.get(namespace);
        if (scan) await scan.add(rows);
        else scans.delete(namespace);
      }
      return embedded;
    },
    async forget(namespace, ids) {
      // A store with files of its own has to be opened to forget; the scan of this package is a cache that goes as a whole.
      const scan = await (options.openStore ? open(namespace) : scans.get(namespace));
      await scan?.remove(ids);
      await dropFiles(options.folder);
    },
    async rebuild() {
      scans.clear();
      await dropFiles(options.folder);
    },
    async save() {
      for (const [namespace, opening] of scans) {
        const scan = await opening;
        if (scan && isInt8Scan(scan)) await saveScan(options, namespace, scan);
      }
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
  return store.vectors(namespace, embedder.model, { ids: rows.map(({ id }) => id) });
}

function isInt8Scan(store: VectorStore): store is Int8Scan {
  return store.capabilities.name === 'int8-scan';
}

async function loadScan(options: VectorSearchOptions, namespace: string): Promise<VectorStore | undefined> {
  const { store, embedder } = options;
  const [first] = await store.vectors(namespace, embedder.model, { limit: 1 });
  if (!first) return undefined;
  const dimension = first.vector.length;
  if (options.openStore) return fill(options, namespace, await options.openStore({ namespace, model: embedder.model, dimension }));
  const exactVectors = async (ids: readonly string[]): Promise<Map<string, Float32Array>> =>
    new Map((await store.vectors(namespace, embedder.model, { ids })).map(({ id, vector }) => [id, vector]));
  const cached = await readScan(options, namespace);
  const scan = createInt8Scan({ dimension, exactVectors }, cached);
  return cached ? scan : fill(options, namespace, scan);
}

/** Adds what the store does not have. What it has too much of is left out of answers, since a match needs a live record. */
async function fill({ store, embedder }: VectorSearchOptions, namespace: string, target: VectorStore): Promise<VectorStore> {
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

function fileOf({ folder, embedder }: VectorSearchOptions, namespace: string): string | undefined {
  const name = createHash('sha256')
    .update(JSON.stringify([namespace, embedder.model]))
    .digest('hex')
    .slice(0, 24);
  return folder === undefined ? undefined : path.join(folder, `${name}.int8`);
}

async function dropFiles(folder: string | undefined): Promise<void> {
  if (folder === undefined) return;
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.endsWith('.int8')) await rm(path.join(folder, name), { force: true });
  }
}

/** What the cache was made from: a file that does not match is built again. */
async function describe({ store, embedder }: VectorSearchOptions, namespace: string): Promise<string> {
  return JSON.stringify([await store.identity(), namespace, embedder.model, await store.revision(namespace)]);
}

async function saveScan(options: VectorSearchOptions, namespace: string, scan: Int8Scan): Promise<void> {
  const file = fileOf(options, namespace);
  if (file === undefined || options.folder === undefined) return;
  const { dimension, ids, rows, scales } = scan.snapshot();
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const description = JSON.stringify([await describe(options, namespace), dimension]);
  const bytes = joinBlocks([text(description), text(JSON.stringify(ids)), rows, bytesOf(scales)]);
  await mkdir(options.folder, { recursive: true });
  await writeFileAtomically(file, options.cipher ? options.cipher.encrypt(bytes, `int8:${namespace}`) : bytes);
}

async function readScan(options: VectorSearchOptions, namespace: string) {
  const file = fileOf(options, namespace);
  if (file === undefined) return undefined;
  try {
    const bytes: Uint8Array = await readFile(file);
    const blocks = splitBlocks(options.cipher ? options.cipher.decrypt(bytes, `int8:${namespace}`) : bytes);
    const [description, ids, rows, scales] = blocks ?? [];
    if (!description || !ids || !rows || !scales) return undefined;
    const [source, dimension] = JSON.parse(new TextDecoder().decode(description)) as [string, number];
    if (source !== (await describe(options, namespace))) return undefined;
    return {
      dimension,
      ids: JSON.parse(new TextDecoder().decode(ids)) as string[],
      rows,
      scales: viewAs(scales, Float32Array),
    };
  } catch {
    // A cache that cannot be read is built again from the records.
    return undefined;
  }
}
