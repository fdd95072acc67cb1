import { toUnitVector } from './unit-vector.ts';
import type { VectorMatch, VectorStore } from './vector-store.ts';

/** The part of Vectra's `LocalIndex` (https://github.com/Stevenic/vectra) that is used here. */
export interface VectraIndex {
  isIndexCreated(): Promise<boolean>;
  createIndex(): Promise<void>;
  beginUpdate(): Promise<void>;
  cancelUpdate(): void;
  endUpdate(): Promise<void>;
  upsertItem(item: { readonly id: string; readonly vector: number[] }): Promise<unknown>;
  deleteItem(id: string): Promise<void>;
  queryItems(
    vector: number[],
    query: string,
    topK: number,
  ): Promise<readonly { readonly item: { readonly id: string }; readonly score: number }[]>;
  listItems(): Promise<readonly { readonly id: string }[]>;
}

export interface VectraStoreOptions {
  /** `new LocalIndex(folder)` of the package `vectra`. */
  readonly index: VectraIndex;
  readonly dimension: number;
}

/**
 * Vectors in a Vectra index: one JSON file that is read whole and written whole. Good for some thousand vectors that other programs read
 * too; above its declared limit every change takes seconds. Opens, and makes, the index.
 */
export async function openVectraStore({ index, dimension }: VectraStoreOptions): Promise<VectorStore> {
  if (!(await index.isIndexCreated())) await index.createIndex();
  const ids = new Set((await index.listItems()).map(({ id }) => id));
  const update = async (work: () => Promise<void>): Promise<void> => {
    await index.beginUpdate();
    try {
      await work();
      await index.endUpdate();
    } catch (error) {
      index.cancelUpdate();
      throw error;
    }
  };
  return {
    capabilities: { name: 'vectra', exact: true, maxVectors: 10_000 },
    dimension,
    get size() {
      return ids.size;
    },
    has: (id) => ids.has(id),
    async add(rows) {
      const items = rows.map(({ id, vector }) => ({
        id,
        vector: Array.from(toUnitVector(vector, dimension, JSON.stringify(id))),
      }));
      await update(async () => {
        for (const item of items) await index.upsertItem(item);
      });
      for (const { id } of items) ids.add(id);
    },
    async remove(gone) {
      const present = gone.filter((id) => ids.has(id));
      if (present.length === 0) return;
      await update(async () => {
        for (const id of present) await index.deleteItem(id);
      });
      for (const id of present) ids.delete(id);
    },
    async search(vector, k, { signal } = {}) {
      signal?.throwIfAborted();
      const query = Array.from(toUnitVector(vector, dimension, 'the query'));
      const found = await index.queryItems(query, '', Math.min(k, ids.size));
      return found
        .map(({ item, score }): VectorMatch => ({ id: item.id, similarity: score }))
        .sort((left, right) => right.similarity - left.similarity || (left.id < right.id ? -1 : 1));
    },
    close: async () => undefined,
  };
}
