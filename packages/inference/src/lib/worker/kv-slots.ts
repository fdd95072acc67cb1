/** A place for one conversation's KV cache, tagged by the genome whose weights made it. */
export interface KvSlot<Sequence> {
  readonly sequence: Sequence;
  /** Undefined: holds nothing. KV of one key must never serve another: the text would silently be wrong. */
  key: string | undefined;
  lastUse: number;
}

export interface SlotChoice<Sequence> {
  readonly slot: KvSlot<Sequence>;
  /** `hit`: holds this key and a prefix worth keeping. `free`: holds nothing. `evict`: holds something else, which must be saved or dropped first. */
  readonly kind: 'hit' | 'free' | 'evict';
}

/** How a slot's content and a prompt compare, in tokens. */
export interface Overlap {
  /** From the start, equal. */
  readonly common: number;
  readonly held: number;
}

/** Fewer tokens are read again faster than it is worth keeping them apart. */
const cheapTokens = 64;

/**
 * Chooses the slot of the key with the longest common prefix, else an empty one, else the longest unused. A conversation of the same genome that has little in
 * common with the prompt is another conversation: it keeps its slot while there is room.
 */
export function chooseSlot<Sequence>(
  slots: readonly KvSlot<Sequence>[],
  key: string,
  compare: (sequence: Sequence) => Overlap,
): SlotChoice<Sequence> {
  let best: KvSlot<Sequence> | undefined;
  let overlap: Overlap = { common: -1, held: 0 };
  for (const slot of slots) {
    if (slot.key !== key) continue;
    const found = compare(slot.sequence);
    if (found.common > overlap.common) [best, overlap] = [slot, found];
  }
  const isSame = overlap.held - overlap.common <= cheapTokens || 2 * overlap.common >= overlap.held;
  if (best && isSame) return { slot: best, kind: 'hit' };
  const free = slots.find((slot) => slot.key === undefined);
  if (free) return { slot: free, kind: 'free' };
  const [oldest] = [...slots].sort((left, right) => left.lastUse - right.lastUse);
  if (!oldest) throw new RangeError('there are no slots');
  return { slot: oldest, kind: 'evict' };
}
