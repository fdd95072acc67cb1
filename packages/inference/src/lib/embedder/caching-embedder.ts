import { createHash } from 'node:crypto';
import { GenieError } from '@genie/core/errors';
import { LRUCache } from 'lru-cache';
import type { Embedder, EmbedOptions } from './embedder.ts';

/** Texts in, raw vectors out. */
export type EmbedBatch = (
  texts: readonly string[],
  signal: AbortSignal | undefined,
) => Promise<readonly ArrayLike<number>[]>;

export interface CachingOptions {
  /** Known from the start, else from the first vector. */
  readonly dimensions?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly cacheEntries?: number | undefined;
  readonly embedBatch: EmbedBatch;
  /** Frees what `embedBatch` holds. */
  readonly close?: (() => Promise<void>) | undefined;
}

/** Batches, embeds equal texts once, shares calls in flight, caches by content, and checks dimension and norm. */
export class CachingEmbedder {
  readonly #provider: string;
  readonly #modelId: string;
  readonly #options: CachingOptions;
  readonly #cache: LRUCache<string, Float32Array> | undefined;
  readonly #inFlight = new Map<string, Promise<Float32Array>>();
  #dimensions: number | undefined;
  #hits = 0;
  #misses = 0;
  #calls = 0;

  constructor(provider: string, modelId: string, options: CachingOptions) {
    this.#provider = provider;
    this.#modelId = modelId;
    this.#options = options;
    this.#dimensions = options.dimensions;
    const max = options.cacheEntries ?? 10_000;
    this.#cache = max > 0 ? new LRUCache({ max }) : undefined;
  }

  toEmbedder(): Embedder {
    const self = this;
    return {
      specificationVersion: 'v4',
      provider: this.#provider,
      modelId: this.#modelId,
      id: `${this.#provider}/${this.#modelId}`,
      maxEmbeddingsPerCall: Number.POSITIVE_INFINITY,
      supportsParallelCalls: true,
      get dimensions() {
        return self.#dimensions;
      },
      embed: (texts, options) => self.embed(texts, options),
      stats: () => ({ hits: self.#hits, misses: self.#misses, calls: self.#calls }),
      close: async () => this.#options.close?.(),
      [Symbol.asyncDispose]: async () => this.#options.close?.(),
      async doEmbed({ values, abortSignal }) {
        const vectors = await self.embed(values, abortSignal ? { signal: abortSignal } : {});
        return { embeddings: vectors.map((vector) => [...vector]), warnings: [] };
      },
    };
  }

  async embed(texts: readonly string[], { signal }: EmbedOptions = {}): Promise<readonly Float32Array[]> {
    signal?.throwIfAborted();
    const keys = texts.map((text) => createHash('sha256').update(text).digest('base64'));
    const found = new Map<string, Float32Array | Promise<Float32Array>>();
    const missing = new Map<string, string>();
    for (const [index, key] of keys.entries()) {
      const known = this.#cache?.get(key) ?? this.#inFlight.get(key);
      if (known) this.#hits += 1;
      if (known) found.set(key, known instanceof Promise ? this.#join(known, texts[index] ?? '', signal) : known);
      else if (!found.has(key)) missing.set(key, texts[index] ?? '');
    }
    const entries = [...missing];
    this.#misses += entries.length;
    const batchSize = Math.max(1, this.#options.batchSize ?? 96);
    for (let at = 0; at < entries.length; at += batchSize) {
      const batch = entries.slice(at, at + batchSize);
      const vectors = this.#embedBatch(
        batch.map(([, text]) => text),
        signal,
      );
      for (const [index, [key]] of batch.entries()) found.set(key, this.#track(key, vectors, index));
    }
    return Promise.all(keys.map((key) => found.get(key) as Float32Array | Promise<Float32Array>));
  }

  /** Another caller's abort must not fail this one. */
  async #join(other: Promise<Float32Array>, text: string, signal: AbortSignal | undefined): Promise<Float32Array> {
    try {
      return await other;
    } catch {
      const [vector] = await this.embed([text], signal ? { signal } : {});
      return vector as Float32Array;
    }
  }

  /** Keeps a vector in flight for others who ask for it, then in the cache. */
  #track(key: string, vectors: Promise<readonly Float32Array[]>, index: number): Promise<Float32Array> {
    const one = vectors.then((all) => {
      const vector = all[index] as Float32Array;
      this.#cache?.set(key, vector);
      return vector;
    });
    this.#inFlight.set(key, one);
    one.finally(() => this.#inFlight.delete(key)).catch(() => undefined);
    return one;
  }

  async #embedBatch(texts: readonly string[], signal: AbortSignal | undefined): Promise<readonly Float32Array[]> {
    this.#calls += 1;
    const raw = await this.#options.embedBatch(texts, signal);
    if (raw.length !== texts.length)
      throw invalid(this.#modelId, `${texts.length} texts were answered with ${raw.length} vectors`);
    return raw.map((values) => this.#unit(values));
  }

  #unit(values: ArrayLike<number>): Float32Array {
    this.#dimensions ??= values.length;
    if (values.length !== this.#dimensions || values.length === 0) {
      throw invalid(this.#modelId, `a vector has ${values.length} dimensions instead of ${this.#dimensions}`);
    }
    let sum = 0;
    for (let index = 0; index < values.length; index += 1) sum += (values[index] ?? 0) ** 2;
    const norm = Math.sqrt(sum);
    if (!Number.isFinite(norm) || norm === 0) throw invalid(this.#modelId, `a vector has the norm ${norm}`);
    return Float32Array.from(values, (value) => value / norm);
  }
}

/** `GENIE_EMBEDDING_INVALID`: what a model answered is no embedding. */
export function invalid(model: string, problem: string): GenieError {
  return new GenieError(
    'GENIE_EMBEDDING_INVALID',
    `Embedding model "${model}": ${problem}. Use another model, or report it to its provider.`,
  );
}
