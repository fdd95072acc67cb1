import { GenieError } from '@genie/core/errors';
import { createInt8Scan, type Int8Scan } from './int8-scan.ts';
import { dotProduct, toUnitVector } from './unit-vector.ts';
import type { VectorMatch, VectorStore } from './vector-store.ts';

/** From here on the scan takes longer than a search of a graph does. */
const defaultAbove = 500_000;
/** Neighbours fetched for each one wanted; a graph misses some of the nearest, seldom all of several times as many. */
const overfetch = 10;
const smallestFetch = 100;
/** One search in so many is also answered by the scan. */
const sampledEvery = 32;
const samplesKept = 16;
const leastRecall = 0.98;
/** Vectors that join the graph before timers and other calls have their turn. */
const batch = 256;

export interface UsearchStoreOptions {
  readonly dimension: number;
  readonly exactVectors: (ids: readonly string[]) => Promise<ReadonlyMap<string, Float32Array>>;
  /** Vectors from which on the graph answers. Default 500,000. */
  readonly above?: number;
  /** Makes the graph; default one of the package `usearch`. */
  readonly createGraph?: (dimension: number) => Graph | Promise<Graph>;
}

/** The part of usearch's `Index` (https://github.com/unum-cloud/usearch) that is used here. */
export interface Graph {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): unknown;
  remove(key: bigint): unknown;
  search(vector: Float32Array, k: number, threads: number): { readonly keys: BigUint64Array };
}

/**
 * The scan, and above half a million vectors a usearch graph beside it. The graph fetches ten times what is wanted, the exact vectors decide. It
 * is built in the background from vectors that the scan has; until it is complete, and as soon as its sampled recall falls below 0.98, the scan
 * answers. It lives in memory only, so that nothing which is forgotten stays in a file.
 *
 * Rejects with `GENIE_MEMORY_OPTIONS` when the package `usearch` is not installed.
 */
export async function openUsearchStore(options: UsearchStoreOptions): Promise<VectorStore> {
  const graph = await (options.createGraph ?? usearchGraph)(options.dimension);
  return new UsearchStore(options, graph);
}

async function usearchGraph(dimension: number): Promise<Graph> {
  try {
    const { Index, MetricKind, ScalarKind } = await import('usearch');
    return new Index({
      metric: MetricKind.Cos,
      quantization: ScalarKind.F16,
      dimensions: dimension,
      connectivity: 24,
      expansion_add: 128,
      expansion_search: 256,
      multi: false,
    });
  } catch (error) {
    throw new GenieError(
      'GENIE_MEMORY_OPTIONS',
      'openUsearchStore needs the package usearch, which could not be loaded. Install it: npm install usearch',
      { cause: error },
    );
  }
}

class UsearchStore implements VectorStore {
  readonly capabilities = { name: 'usearch', exact: false, maxVectors: 20_000_000 };
  readonly dimension: number;
  readonly #scan: Int8Scan;
  readonly #graph: Graph;
  readonly #exact: UsearchStoreOptions['exactVectors'];
  readonly #above: number;
  readonly #keys = new Map<string, bigint>();
  readonly #ids = new Map<bigint, string>();
  /** Ids that are in the scan and not yet in the graph. */
  readonly #waiting = new Set<string>();
  readonly #recalls: number[] = [];
  #nextKey = 1n;
  #searches = 0;
  #isTrusted = true;
  #building: Promise<void> | undefined;
  #isClosed = false;

  constructor({ dimension, exactVectors, above }: UsearchStoreOptions, graph: Graph) {
    this.dimension = dimension;
    this.#scan = createInt8Scan({ dimension, exactVectors });
    this.#graph = graph;
    this.#exact = exactVectors;
    this.#above = above ?? defaultAbove;
  }

  get size(): number {
    return this.#scan.size;
  }

  /** True while searches are answered by the graph. */
  get usesGraph(): boolean {
    return this.#isTrusted && this.size > this.#above && this.#waiting.size === 0;
  }

  has(id: string): boolean {
    return this.#scan.has(id);
  }

  async add(rows: readonly { readonly id: string; readonly vector: ArrayLike<number> }[]): Promise<void> {
    await this.#scan.add(rows);
    for (const { id } of rows) {
      this.#leaveGraph(id);
      this.#waiting.add(id);
    }
    if (this.size > this.#above) this.#building ??= this.#build();
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.#scan.remove(ids);
    for (const id of ids) {
      this.#leaveGraph(id);
      this.#waiting.delete(id);
    }
  }

  async search(
    vector: ArrayLike<number>,
    k: number,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<readonly VectorMatch[]> {
    options.signal?.throwIfAborted();
    const query = toUnitVector(vector, this.dimension, 'the query');
    if (!this.usesGraph) return this.#scan.search(vector, k, options);
    this.#searches += 1;
    const found = await this.#searchGraph(query, k);
    if (this.#searches % sampledEvery !== 1) return found;
    const truth = await this.#scan.search(vector, k, options);
    this.#judge(found, truth);
    return truth;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#building;
    await this.#scan.close();
  }

  async #searchGraph(query: Float32Array, k: number): Promise<VectorMatch[]> {
    const fetched = Math.min(this.size, Math.max(smallestFetch, k * overfetch));
    const ids = Array.from(this.#graph.search(query, fetched, 0).keys).flatMap((key) => this.#ids.get(key) ?? []);
    const exact = await this.#exact(ids);
    return ids
      .flatMap((id): VectorMatch[] => {
        const known = exact.get(id);
        return known ? [{ id, similarity: dotProduct(query, known) }] : [];
      })
      .sort((left, right) => right.similarity - left.similarity || (left.id < right.id ? -1 : 1))
      .slice(0, k);
  }

  #judge(found: readonly VectorMatch[], truth: readonly VectorMatch[]): void {
    if (truth.length === 0) return;
    const last = truth.at(-1)?.similarity ?? 0;
    // Equal neighbours may stand for each other.
    const hits = found.filter(({ similarity }) => similarity >= last - 1e-6).length;
    this.#recalls.push(Math.min(1, hits / truth.length));
    if (this.#recalls.length > samplesKept) this.#recalls.shift();
    const mean = this.#recalls.reduce((sum, one) => sum + one, 0) / this.#recalls.length;
    if (mean < leastRecall) this.#isTrusted = false;
  }

  #leaveGraph(id: string): void {
    const key = this.#keys.get(id);
    if (key === undefined) return;
    this.#graph.remove(key);
    this.#keys.delete(id);
    this.#ids.delete(key);
  }

  /** Adds what waits, a batch at a time. A graph that cannot be built is left alone: the scan answers. */
  async #build(): Promise<void> {
    try {
      while (this.#waiting.size > 0 && !this.#isClosed) {
        await new Promise((resolve) => setImmediate(resolve));
        await this.#addBatch([...take(this.#waiting, batch)]);
      }
    } catch {
      this.#isTrusted = false;
    } finally {
      this.#building = undefined;
    }
  }

  async #addBatch(ids: readonly string[]): Promise<void> {
    const vectors = await this.#exact(ids);
    // What was removed or replaced meanwhile is not added, or waits again.
    const present = ids.filter((id) => this.#waiting.delete(id) && vectors.has(id) && this.#scan.has(id));
    const keys = new BigUint64Array(present.length);
    const packed = new Float32Array(present.length * this.dimension);
    present.forEach((id, at) => {
      const key = this.#nextKey;
      this.#nextKey += 1n;
      keys[at] = key;
      packed.set(vectors.get(id) ?? [], at * this.dimension);
      this.#keys.set(id, key);
      this.#ids.set(key, id);
    });
    if (present.length > 0) this.#graph.add(keys, packed, 1);
  }
}

function* take(ids: Iterable<string>, count: number): Generator<string> {
  let left = count;
  for (const id of ids) {
    if (left === 0) return;
    left -= 1;
    yield id;
  }
}
