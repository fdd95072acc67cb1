import { type Clock, type ObjectStore, systemClock } from '@genie/core/ports';

export interface ExpireOptions {
  /** Objects stored longer ago are removed. */
  readonly olderThanMs: number;
  /** Default: all. */
  readonly prefix?: string;
  readonly clock?: Pick<Clock, 'now'>;
  readonly signal?: AbortSignal;
}

/** The lifecycle of any object store: removes what is too old. Returns the removed keys. Rejects with the store's codes. */
export async function expireObjects(store: ObjectStore, options: ExpireOptions): Promise<readonly string[]> {
  const { olderThanMs, prefix = '', clock = systemClock, signal } = options;
  const removed: string[] = [];
  for await (const { key, storedAt } of store.list(prefix)) {
    signal?.throwIfAborted();
    if (storedAt <= clock.now() - olderThanMs && (await store.delete(key))) removed.push(key);
  }
  return removed;
}
