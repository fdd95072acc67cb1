import type { NamespaceIndex } from '../index-set.ts';

export interface VectorAnswer {
  /** Cosine similarity by document number; undefined when the leg could not be searched. */
  readonly byDoc?: ReadonlyMap<number, number>;
  readonly degraded?: string;
}

/** The second leg of recall. Never rejects because of the embedder. */
export interface VectorSearch {
  search(request: {
    readonly namespace: string;
    readonly query: string;
    readonly target: NamespaceIndex;
    readonly k: number;
    readonly signal?: AbortSignal;
  }): Promise<VectorAnswer>;
  /** Embeds what waits in the outbox. Returns how many were embedded. */
  drain(namespace: string, options: { readonly signal?: AbortSignal; readonly until: number }): Promise<number>;
  forget(namespace: string, ids: readonly string[]): Promise<void>;
  rebuild(): Promise<void>;
  save(): Promise<void>;
}
