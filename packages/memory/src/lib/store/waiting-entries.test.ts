import { describe, expect, it } from 'vitest';
import type { OutboxEntry } from './record-store.ts';
import { waitingEntries } from './waiting-entries.ts';

const queue: OutboxEntry[] = [
  ...Array.from({ length: 20_000 }, (_one, at): OutboxEntry => ({ id: `embed:${at}`, kind: 'embed', payload: '' })),
  ...['a', 'b', 'c'].map((id): OutboxEntry => ({ id: `history:${id}`, kind: 'history', payload: id })),
];
const narrowing = {
  outbox: async (_namespace: string, limit: number, kind?: OutboxEntry['kind']) =>
    queue.filter((one) => one.kind === (kind ?? one.kind)).slice(0, limit),
};
const ignoring = { outbox: async (_namespace: string, limit: number) => queue.slice(0, limit) };

describe('waitingEntries', () => {
  it.each([
    ['narrows to a kind', narrowing],
    ['ignores the kind', ignoring],
  ])('finds all of a kind behind twenty thousand others in a store that %s', async (_name, store) => {
    const all = await waitingEntries(store, 'n', { kind: 'history' });
    expect(all.map(({ payload }) => payload)).toEqual(['a', 'b', 'c']);
    expect(await waitingEntries(store, 'n', { kind: 'history', limit: 1 })).toHaveLength(1);
    expect(await waitingEntries(store, 'n', { kind: 'embed' })).toHaveLength(20_000);
  });
});
