/**
 * Remembers which run ids were seen, in four bytes each: a hash table of 32-bit hashes with linear probing.
 * `has` may say yes for an id that was never added (about one in 400,000 at 10,000 ids), never no for one that was.
 */
export class RunIdFilter {
  #slots = new Uint32Array(1024);
  #used = 0;

  add(runId: string): void {
    if (this.#used * 2 >= this.#slots.length) this.#rehash();
    this.#used += insert(this.#slots, hash(runId)) ? 1 : 0;
  }

  has(runId: string): boolean {
    const wanted = hash(runId);
    const mask = this.#slots.length - 1;
    for (let slot = wanted & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot];
      if (found === 0) return false;
      if (found === wanted) return true;
    }
  }

  #rehash(): void {
    const larger = new Uint32Array(this.#slots.length * 2);
    for (const value of this.#slots) if (value !== 0) insert(larger, value);
    this.#slots = larger;
  }
}

function insert(slots: Uint32Array, value: number): boolean {
  const mask = slots.length - 1;
  for (let slot = value & mask; ; slot = (slot + 1) & mask) {
    if (slots[slot] === value) return false;
    if (slots[slot] === 0) {
      slots[slot] = value;
      return true;
    }
  }
}

/** FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/), never 0. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0 || 1;
}
