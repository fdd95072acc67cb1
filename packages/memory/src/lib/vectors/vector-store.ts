/** What varies between vector stores; read by the runtime and by the conformance suite. */
export interface VectorStoreCapabilities {
  readonly name: string;
  /** True when the top k are the true top k (share of at least 0.999). */
  readonly exact: boolean;
  /** Above this many vectors the store is not meant to be used. */
  readonly maxVectors: number;
}

export interface VectorMatch {
  readonly id: string;
  /** Cosine similarity, -1 to 1. */
  readonly similarity: number;
}

/**
 * Nearest neighbours by cosine. Called by recall and by the background that embeds. It is a cache over the vectors in the record store, so
 * losing it costs time only. `add` replaces an id; vectors need not have length 1, but must be finite and of the store's dimension,
 * otherwise `GENIE_MEMORY_VECTOR`.
 */
export interface VectorStore {
  readonly capabilities: VectorStoreCapabilities;
  readonly dimension: number;
  readonly size: number;
  add(rows: readonly { readonly id: string; readonly vector: ArrayLike<number> }[]): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
  has(id: string): boolean;
  /** Best first; equal similarities in order of id. */
  search(
    vector: ArrayLike<number>,
    k: number,
    options?: { readonly signal?: AbortSignal },
  ): Promise<readonly VectorMatch[]>;
  close(): Promise<void>;
}
