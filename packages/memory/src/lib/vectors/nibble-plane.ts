import type { DotKernel, KernelFactory } from './dot-kernel.ts';
import { type WasmMemory, webAssembly } from './web-assembly.ts';

const pageBytes = 65_536;
/** The memory starts with room for a query of up to 16,384 dimensions of two bytes, and for one result. */
const rowsAt = 32_768 + 64;
const numbersInPacket = 32;

/** Rows of numbers of 4 bits without sign, in WebAssembly memory. The upper halves of all vectors are one plane, the lower halves another. */
export class NibblePlane {
  readonly rowBytes: number;
  readonly #memory: WasmMemory;
  readonly #kernel: DotKernel;

  constructor(dimension: number, createKernel: KernelFactory) {
    this.rowBytes = Math.ceil(dimension / numbersInPacket) * 16;
    this.#memory = new (webAssembly().Memory)({ initial: 1 });
    this.#kernel = createKernel(this.#memory, this.rowBytes);
  }

  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Room for the rows and, with `products`, for one result each. Grows by a sixteenth, because memory is what this store is frugal with. */
  reserve(rows: number, products: boolean): void {
    const needed = rowsAt + rows * (this.rowBytes + (products ? 4 : 0)) + 64;
    const missing = needed - this.#memory.buffer.byteLength;
    if (missing > 0)
      this.#memory.grow(Math.ceil(Math.max(missing, missing < needed / 8 ? needed / 16 : 0) / pageBytes));
  }

  /** `digit` gives the number at a place, 0 to 15. */
  write(slot: number, dimension: number, digit: (at: number) => number): void {
    const row = new Uint8Array(this.#memory.buffer, rowsAt + slot * this.rowBytes, this.rowBytes).fill(0);
    for (let at = 0; at < dimension; at += 1) {
      const place = (at >> 5) * 16 + (at & 15);
      row[place] = (row[place] ?? 0) | ((at & 16) === 0 ? digit(at) : digit(at) << 4);
    }
  }

  /** Puts one row in the place of another and clears where it was. */
  move(from: number, to: number): void {
    const bytes = new Uint8Array(this.#memory.buffer, rowsAt);
    if (from !== to) bytes.copyWithin(to * this.rowBytes, from * this.rowBytes, (from + 1) * this.rowBytes);
    bytes.fill(0, from * this.rowBytes, (from + 1) * this.rowBytes);
  }

  rows(count: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, rowsAt, count * this.rowBytes);
  }

  setQuery(query: Int8Array): void {
    const place =
      this.#kernel.queryBytes === 1
        ? new Int8Array(this.#memory.buffer, 0, this.rowBytes * 2)
        : new Int16Array(this.#memory.buffer, 0, this.rowBytes * 2);
    place.fill(0);
    place.set(query);
  }

  /** Products of the query with the first `count` rows. Valid until the next call. */
  products(count: number): Int32Array {
    this.reserve(count, true);
    const end = rowsAt + count * this.rowBytes;
    this.#run(rowsAt, end, end);
    return new Int32Array(this.#memory.buffer, end, count);
  }

  product(slot: number): number {
    const at = rowsAt + slot * this.rowBytes;
    const out = rowsAt - 64;
    this.#run(at, at + this.rowBytes, out);
    return new Int32Array(this.#memory.buffer, out, 1)[0] ?? 0;
  }

  #run(rows: number, end: number, out: number): void {
    this.#kernel.run(rows, end, 0, this.rowBytes * 2 * this.#kernel.queryBytes, out);
  }
}
