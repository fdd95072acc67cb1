import { createDotKernel, type KernelFactory } from './dot-kernel.ts';
import { NibblePlane } from './nibble-plane.ts';
import { topSlots } from './top-slots.ts';
import { dotProduct, toUnitVector } from './unit-vector.ts';
import type { VectorMatch, VectorStore } from './vector-store.ts';

const maxDimension = 16_384;
/** Candidates for each result wanted: the rounding to 8 bits moves similarities by about 0.001, far less than 100 places. */
const overfetch = 10;
const smallestFetch = 100;
/** Rows at which the error of the upper halves is measured in each search. */
const measured = 64;
/** A row may be this many standard deviations of that error below the last of the best and is still looked at in 8 bits. */
const margin = 8;

export interface Int8ScanOptions {
  readonly dimension: number;
  /** Exact vectors for rescoring, of those ids that it knows. They live in the record store, not here. */
  readonly exactVectors: (ids: readonly string[]) => Promise<ReadonlyMap<string, Float32Array>>;
}

export interface Int8Snapshot {
  readonly dimension: number;
  readonly ids: readonly string[];
  /** Upper halves of all rows, then the lower halves. */
  readonly planes: Uint8Array;
  readonly scales: Float32Array;
}

export interface Int8Scan extends VectorStore {
  readonly memoryBytes: number;
  snapshot(): Int8Snapshot;
}

/**
 * Compares the query with every vector with SIMD, then the best again in full precision: exact answers, one byte for each dimension of memory, no
 * index to train. Vectors are scaled one by one to their own largest value, so nothing is clipped. What a scan costs is reading the memory, so
 * it reads the upper 4 bits of all numbers first and the lower 4 only of vectors that can still be among the best.
 */
export function createInt8Scan(options: Int8ScanOptions, from?: Int8Snapshot): Int8Scan {
  return new Scan(options, createDotKernel, from);
}

/** The same with a kernel of choice, so that tests see what engines without relaxed SIMD do. */
export function createInt8ScanWith(options: Int8ScanOptions, createKernel: KernelFactory): Int8Scan {
  return new Scan(options, createKernel);
}

class Scan implements Int8Scan {
  readonly capabilities = { name: 'int8-scan', exact: true, maxVectors: 500_000 };
  readonly dimension: number;
  readonly #exact: Int8ScanOptions['exactVectors'];
  readonly #upper: NibblePlane;
  readonly #lower: NibblePlane;
  readonly #ids: string[] = [];
  readonly #slots = new Map<string, number>();
  #scales = new Float32Array(64);
  /** Working memory of one search. */
  #rough = new Float32Array(0);

  constructor({ dimension, exactVectors }: Int8ScanOptions, createKernel: KernelFactory, from?: Int8Snapshot) {
    if (!Number.isInteger(dimension) || dimension < 1 || dimension > maxDimension) {
      throw new RangeError(`A vector store needs a dimension from 1 to ${maxDimension}, got ${dimension}.`);
    }
    this.dimension = dimension;
    this.#exact = exactVectors;
    this.#upper = new NibblePlane(dimension, createKernel);
    this.#lower = new NibblePlane(dimension, createKernel);
    if (from) this.#load(from);
  }

  get size(): number {
    return this.#ids.length;
  }

  get memoryBytes(): number {
    return this.#upper.memoryBytes + this.#lower.memoryBytes + this.#scales.byteLength + this.#rough.byteLength;
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
      this.#upper.move(last, slot);
      this.#lower.move(last, slot);
      this.#scales[slot] = this.#scales[last] ?? 0;
      const moved = this.#ids[last] ?? '';
      this.#ids[slot] = moved;
      this.#slots.set(moved, slot);
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
    const candidates = this.#best(query, k).map((slot) => this.#ids[slot] ?? '');
    const exact = await this.#exact(candidates);
    const matches = candidates.flatMap((id) => {
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
    const [upper, lower] = [this.#upper.rows(this.size), this.#lower.rows(this.size)];
    const planes = new Uint8Array(upper.length + lower.length);
    planes.set(upper);
    planes.set(lower, upper.length);
    return { dimension: this.dimension, ids: this.#ids, planes, scales: this.#scales.subarray(0, this.size) };
  }

  /** The nearest by 8-bit similarity, in no order; more of them than `k`, for rescoring. */
  #best(query: Float32Array, k: number): number[] {
    const { values } = quantise(query);
    const offset = values.reduce((sum, value) => sum + value, 0);
    this.#upper.setQuery(values);
    this.#lower.setQuery(values);
    const upper = this.#upper.products(this.size);
    const scales = this.#scales;
    if (this.#rough.length < upper.length) this.#rough = new Float32Array(Math.ceil(upper.length * 1.125));
    const rough = this.#rough.subarray(0, upper.length);
    // A number is 16 times its upper half less 128, and 7.5 for its lower half on average.
    const middle = (7.5 - 128) * offset;
    for (let slot = 0; slot < rough.length; slot += 1)
      rough[slot] = (16 * (upper[slot] as number) + middle) * (scales[slot] as number);
    const fine = (slot: number): number =>
      (16 * (upper[slot] ?? 0) - 128 * offset + this.#lower.product(slot)) * (scales[slot] ?? 0);
    const near = candidates(rough, fine, k);
    const exact = Float32Array.from(near, fine);
    const limit = Math.max(smallestFetch, k * overfetch);
    return Array.from(topSlots(exact, limit), (at) => near[at] ?? 0);
  }

  #write(id: string, unit: Float32Array): void {
    const known = this.#slots.get(id);
    const slot = known ?? this.size;
    const { values, scale } = quantise(unit);
    this.#upper.write(slot, this.dimension, (at) => ((values[at] ?? 0) + 128) >> 4);
    this.#lower.write(slot, this.dimension, (at) => ((values[at] ?? 0) + 128) & 15);
    this.#scales[slot] = scale;
    if (known !== undefined) return;
    this.#ids.push(id);
    this.#slots.set(id, slot);
  }

  #reserve(rows: number): void {
    this.#upper.reserve(rows, true);
    this.#lower.reserve(rows, false);
    if (rows <= this.#scales.length) return;
    const wider = new Float32Array(Math.max(rows, Math.ceil(this.#scales.length * 1.25)));
    wider.set(this.#scales);
    this.#scales = wider;
  }

  #load({ ids, planes, scales }: Int8Snapshot): void {
    this.#reserve(ids.length);
    const half = planes.length / 2;
    this.#upper.rows(ids.length).set(planes.subarray(0, half));
    this.#lower.rows(ids.length).set(planes.subarray(half));
    this.#scales.set(scales);
    for (const id of ids) {
      this.#slots.set(id, this.#ids.length);
      this.#ids.push(id);
    }
  }
}

/**
 * Every row that can be among the best `k`. How far a rough value is off is measured, on the best rows and on rows from everywhere, because it
 * depends on the vectors: one large number in a vector leaves few steps for the others.
 */
function candidates(rough: Float32Array, fine: (slot: number) => number, k: number): number[] {
  const best = topSlots(rough, Math.max(k, measured));
  const stride = Math.max(1, Math.floor(rough.length / measured));
  let squares = 0;
  let count = 0;
  const measure = (slot: number): void => {
    squares += (fine(slot) - (rough[slot] ?? 0)) ** 2;
    count += 1;
  };
  best.forEach(measure);
  for (let slot = 0; slot < rough.length; slot += stride) measure(slot);
  const values = Float32Array.from(best, (slot) => rough[slot] ?? 0).sort();
  const last = values[Math.max(0, values.length - k)] ?? 0;
  const threshold = last - margin * Math.sqrt(squares / count) - Number.EPSILON;
  const near: number[] = [];
  for (let slot = 0; slot < rough.length; slot += 1) if ((rough[slot] as number) >= threshold) near.push(slot);
  return near;
}

/** Whole numbers from -127 to 127. */
function quantise(unit: Float32Array): { values: Int8Array; scale: number } {
  let largest = 0;
  for (const value of unit) largest = Math.max(largest, Math.abs(value));
  const factor = 127 / largest;
  const values = new Int8Array(unit.length);
  for (let at = 0; at < unit.length; at += 1) values[at] = Math.round((unit[at] ?? 0) * factor);
  return { values, scale: largest / 127 };
}
