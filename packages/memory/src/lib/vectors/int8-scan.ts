import { createDotKernel, type DotKernel } from './dot-kernel.ts';
import { dotProduct, toUnitVector } from './unit-vector.ts';
import type { VectorMatch, VectorStore } from './vector-store.ts';
import { type WasmMemory, webAssembly } from './web-assembly.ts';

const pageBytes = 65_536;
/** The memory starts with room for a query of up to 16,384 dimensions as int16. */
const rowsAt = 32_768;
const maxDimension = 16_384;
/** Candidates for each result wanted: the rounding to 8 bits moves similarities by about 0.001, far less than 100 places. */
const overfetch = 10;
const smallestFetch = 100;

export interface Int8ScanOptions {
  readonly dimension: number;
  /** Exact vectors for rescoring, of those ids that it knows. They live in the record store, not here. */
  readonly exactVectors: (ids: readonly string[]) => Promise<ReadonlyMap<string, Float32Array>>;
}

export interface Int8Snapshot {
  readonly dimension: number;
  readonly ids: readonly string[];
  readonly rows: Uint8Array;
  readonly scales: Float32Array;
}

export interface Int8Scan extends VectorStore {
  readonly memoryBytes: number;
  snapshot(): Int8Snapshot;
}

/**
 * Compares the query with every vector, in 8 bits with SIMD, then the best again in full precision: exact answers, one byte for each
 * dimension of memory, no index to train. Vectors are scaled one by one to their own largest value, so nothing is clipped.
 */
export function createInt8Scan(options: Int8ScanOptions, from?: Int8Snapshot): Int8Scan {
  return new Scan(options, from);
}

class Scan implements Int8Scan {
  readonly capabilities = { name: 'int8-scan', exact: true, maxVectors: 500_000 };
  readonly dimension: number;
  readonly #stride: number;
  readonly #exact: Int8ScanOptions['exactVectors'];
  readonly #memory: WasmMemory;
  readonly #kernel: DotKernel;
  readonly #ids: string[] = [];
  readonly #slots = new Map<string, number>();
  #scales = new Float32Array(64);

  constructor({ dimension, exactVectors }: Int8ScanOptions, from?: Int8Snapshot) {
    if (!Number.isInteger(dimension) || dimension < 1 || dimension > maxDimension) {
      throw new RangeError(`A vector store needs a dimension from 1 to ${maxDimension}, got ${dimension}.`);
    }
    this.dimension = dimension;
    this.#stride = Math.ceil(dimension / 16) * 16;
    this.#exact = exactVectors;
    this.#memory = new (webAssembly().Memory)({ initial: 1 });
    this.#kernel = createDotKernel(this.#memory);
    if (from) this.#load(from);
  }

  get size(): number {
    return this.#ids.length;
  }

  get memoryBytes(): number {
    return this.#memory.buffer.byteLength + this.#scales.byteLength;
  }

  has(id: string): boolean {
    return this.#slots.has(id);
  }

  async add(rows: readonly { readonly id: string; readonly vector: ArrayLike<number> }[]): Promise<void> {
    const units = rows.map(({ id, vector }) => toUnitVector(vector, this.dimension, JSON.stringify(id)));
    this.#reserve(this.size + rows.length);
    rows.forEach(({ id }, at) => {
      const unit = units[at];
      if (unit) this.#write(id, unit);
    });
  }

  async remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const slot = this.#slots.get(id);
      if (slot === undefined) continue;
      const last = this.size - 1;
      const bytes = new Int8Array(this.#memory.buffer, rowsAt, this.size * this.#stride);
      if (slot !== last) {
        bytes.copyWithin(slot * this.#stride, last * this.#stride, (last + 1) * this.#stride);
        this.#scales[slot] = this.#scales[last] ?? 0;
        const moved = this.#ids[last] ?? '';
        this.#ids[slot] = moved;
        this.#slots.set(moved, slot);
      }
      bytes.fill(0, last * this.#stride);
      this.#ids.pop();
      this.#slots.delete(id);
    }
  }

  async search(
    vector: ArrayLike<number>,
    k: number,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<VectorMatch[]> {
    signal?.throwIfAborted();
    const query = toUnitVector(vector, this.dimension, 'the query');
    if (this.size === 0) return [];
    const candidates = this.#best(query, Math.max(smallestFetch, k * overfetch));
    const exact = await this.#exact(candidates.map(({ id }) => id));
    const matches = candidates.flatMap(({ id }) => {
      const found = exact.get(id);
      return found ? [{ id, similarity: dotProduct(query, found) }] : [];
    });
    matches.sort((left, right) => right.similarity - left.similarity || (left.id < right.id ? -1 : 1));
    return matches.slice(0, k);
  }

  async close(): Promise<void> {
    this.#ids.length = 0;
    this.#slots.clear();
  }

  snapshot(): Int8Snapshot {
    return {
      dimension: this.dimension,
      ids: this.#ids,
      rows: new Uint8Array(this.#memory.buffer, rowsAt, this.size * this.#stride),
      scales: this.#scales.subarray(0, this.size),
    };
  }

  /** The nearest by 8-bit similarity, in no order. */
  #best(query: Float32Array, limit: number): { id: string }[] {
    this.#reserve(this.size);
    const wide = new Int16Array(this.#memory.buffer, 0, this.#stride);
    wide.fill(0);
    wide.set(quantise(query).values);
    const end = rowsAt + this.size * this.#stride;
    const out = Math.ceil(end / 16) * 16;
    this.#kernel(rowsAt, end, 0, this.#stride * 2, out);
    const products = new Int32Array(this.#memory.buffer, out, this.size);
    return selectBest(products, this.#scales, limit).map((slot) => ({ id: this.#ids[slot] ?? '' }));
  }

  #write(id: string, unit: Float32Array): void {
    const known = this.#slots.get(id);
    const slot = known ?? this.size;
    const { values, scale } = quantise(unit);
    new Int8Array(this.#memory.buffer, rowsAt + slot * this.#stride, this.dimension).set(values);
    if (slot >= this.#scales.length) {
      const wider = new Float32Array(Math.ceil(this.#scales.length * 1.25) + 64);
      wider.set(this.#scales);
      this.#scales = wider;
    }
    this.#scales[slot] = scale;
    if (known !== undefined) return;
    this.#ids.push(id);
    this.#slots.set(id, slot);
  }

  /** Room for the rows and for one result each. Grows by an eighth, because memory is what this store is frugal with. */
  #reserve(rows: number): void {
    const needed = rowsAt + rows * (this.#stride + 4) + 64;
    const missing = needed - this.#memory.buffer.byteLength;
    if (missing > 0)
      this.#memory.grow(Math.ceil(Math.max(missing, missing < needed / 8 ? needed / 16 : 0) / pageBytes));
  }

  #load({ ids, rows, scales }: Int8Snapshot): void {
    this.#reserve(ids.length);
    new Uint8Array(this.#memory.buffer, rowsAt, rows.length).set(rows);
    this.#scales = Float32Array.from(scales);
    for (const id of ids) {
      this.#slots.set(id, this.#ids.length);
      this.#ids.push(id);
    }
  }
}

function quantise(unit: Float32Array): { values: Int8Array; scale: number } {
  let largest = 0;
  for (const value of unit) largest = Math.max(largest, Math.abs(value));
  const factor = 127 / largest;
  const values = new Int8Array(unit.length);
  for (let at = 0; at < unit.length; at += 1) values[at] = Math.round((unit[at] ?? 0) * factor);
  return { values, scale: largest / 127 };
}

/** Slots with the largest scaled products: a threshold that rises while candidates are collected and cut in half. */
function selectBest(products: Int32Array, scales: Float32Array, limit: number): number[] {
  let slots: number[] = [];
  let threshold = Number.NEGATIVE_INFINITY;
  const valueAt = (slot: number): number => (products[slot] ?? 0) * (scales[slot] ?? 0);
  const cut = (): void => {
    slots.sort((left, right) => valueAt(right) - valueAt(left) || left - right);
    slots = slots.slice(0, limit);
    if (slots.length === limit) threshold = valueAt(slots[limit - 1] ?? 0);
  };
  for (let slot = 0; slot < products.length; slot += 1) {
    if (valueAt(slot) <= threshold) continue;
    slots.push(slot);
    if (slots.length >= limit * 4) cut();
  }
  cut();
  return slots;
}
