import type { EmbeddingModelV4 } from '@ai-sdk/provider';

export interface EmbedOptions {
  readonly signal?: AbortSignal;
}

/**
 * Turns texts into unit vectors. It is an AI SDK embedding model (V4) too, so it goes wherever one is taken.
 * Called by memory (records and queries) and by the genome search.
 */
export interface Embedder extends EmbeddingModelV4 {
  /** Names the space: vectors of different ids must never be compared. */
  readonly id: string;
  /** Known from the start for `hash`; for others after the first call, unless it was given as an option. */
  readonly dimensions: number | undefined;
  /**
   * One vector of length 1 for each text, in order. Rejects with `GENIE_EMBEDDING_INVALID` when the model answers with a wrong number
   * of vectors, another dimension or a value that is no number, with the codes of a model call, or with the reason of the signal.
   */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<readonly Float32Array[]>;
  /** Hits and misses of the cache since the start. */
  stats(): EmbedderStats;
  /** Ends what it holds: the threads of `transformers/…`, after the batches that run. Others hold nothing. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface EmbedderStats {
  readonly hits: number;
  readonly misses: number;
  /** Calls of the model behind it. */
  readonly calls: number;
}
