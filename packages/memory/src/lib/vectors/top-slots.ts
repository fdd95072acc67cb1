/** Numbers of the `limit` largest values, in no order: a heap with the smallest of them on top. Equal values keep the earlier number. */
export function topSlots(values: Float32Array, limit: number): Int32Array {
  const size = Math.min(limit, values.length);
  const heap = new Int32Array(size);
  for (let slot = 0; slot < size; slot += 1) heap[slot] = slot;
  for (let at = (size >> 1) - 1; at >= 0; at -= 1) sink(heap, values, at);
  if (size === 0) return heap;
  let smallest = values[heap[0] as number] as number;
  for (let slot = size; slot < values.length; slot += 1) {
    if ((values[slot] as number) <= smallest) continue;
    heap[0] = slot;
    sink(heap, values, 0);
    smallest = values[heap[0] as number] as number;
  }
  return heap;
}

function sink(heap: Int32Array, values: Float32Array, from: number): void {
  const moved = heap[from] as number;
  let at = from;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isSmaller(values, heap[child + 1] as number, heap[child] as number)) child += 1;
    const below = heap[child] as number;
    if (!isSmaller(values, below, moved)) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = moved;
}

function isSmaller(values: Float32Array, left: number, right: number): boolean {
  const difference = (values[left] as number) - (values[right] as number);
  return difference < 0 || (difference === 0 && left > right);
}
