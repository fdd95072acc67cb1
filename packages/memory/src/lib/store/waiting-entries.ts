import type { OutboxEntry, RecordStore } from './record-store.ts';

const firstPage = 1_000;

/**
 * The queued work of one kind, at most `limit` entries in order of id, however much of another kind waits before it: a hundred thousand
 * memories without a vector must hide no log from forgetting.
 */
export async function waitingEntries(
  store: Pick<RecordStore, 'outbox'>,
  namespace: string,
  { kind, limit = Number.MAX_SAFE_INTEGER }: { readonly kind: OutboxEntry['kind']; readonly limit?: number },
): Promise<readonly OutboxEntry[]> {
  for (let page = Math.min(limit, firstPage); ; page *= 8) {
    const entries = await store.outbox(namespace, page, kind);
    const own = entries.filter((entry) => entry.kind === kind);
    if (own.length >= limit) return own.slice(0, limit);
    if (entries.length < page) return own;
  }
}
