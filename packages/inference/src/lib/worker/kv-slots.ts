/** A place for one conversation's KV cache, tagged by the genome whose weights made it. */
export interface KvSlot<Sequence> {
  readonly sequence: Sequence;
  /** Undefined: holds nothing. KV of one key must never serve another: the text would silently be wrong. */
  key: string | undefined;
  lastUse: number;
}

export interface SlotChoice<Sequence> {
  readonly slot: KvSlot<Sequence>;
  /** `hit`: holds this key. `free`: holds nothing. `evict`: holds another key, which must be saved or dropped first. */
  readonly kind: 'hit' | 'free' | 'evict';
}

/** Chooses the slot of the key with the longest common prefix, else an empty one, else the longest unused. */
export function chooseSlot<Sequence>(
  slots: readonly KvSlot<Sequence>[],
  key: string,
  commonPrefix: (sequence: Sequence) => number,
): SlotChoice<Sequence> {
  let best: KvSlot<Sequence> | undefined;
  let bestPrefix = -1;
  for (const slot of slots) {
    if (slot.key !== key) continue;
    const prefix = commonPrefix(slot.sequence);
    if (prefix > bestPrefix) {
      best = slot;
      bestPrefix = prefix;
    }
  }
  if (best) return { slot: best, kind: 'hit' };
  const free = slots.find((slot) => slot.key === undefined);
  if (free) return { slot: free, kind: 'free' };
  const [oldest] = [...slots].sort((left, right) => left.lastUse - right.lastUse);
  if (!oldest) throw new RangeError('there are no slots');
  return { slot: oldest, kind: 'evict' };
}
