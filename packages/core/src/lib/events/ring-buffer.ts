/** The last so many values; adding costs the same however many there are. */
export interface RingBuffer<Value> {
  add(value: Value): void;
  /** Oldest first. */
  values(): Value[];
  readonly size: number;
}

/** `capacity` 0 keeps nothing. */
export function createRingBuffer<Value>(capacity: number): RingBuffer<Value> {
  const slots: Value[] = [];
  let next = 0;
  return {
    add(value) {
      if (capacity === 0) return;
      slots[next] = value;
      next = next + 1 === capacity ? 0 : next + 1;
    },
    values: () => (slots.length < capacity ? [...slots] : [...slots.slice(next), ...slots.slice(0, next)]),
    get size() {
      return slots.length;
    },
  };
}
