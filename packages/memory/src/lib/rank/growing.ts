type Numbers = Int32Array | Uint8Array | Float32Array | Float64Array;

/** A typed array that grows by doubling. Index code reads `values` directly, up to `length`. */
export class Growing<Values extends Numbers> {
  values: Values;
  length: number;

  constructor(values: Values, length = values.length) {
    this.values = values;
    this.length = length;
  }

  push(value: number): void {
    if (this.length === this.values.length) this.#grow();
    this.values[this.length] = value;
    this.length += 1;
  }

  used(): Values {
    return this.values.subarray(0, this.length) as Values;
  }

  #grow(): void {
    const Constructor = this.values.constructor as new (size: number) => Values;
    const wider = new Constructor(Math.max(4, this.values.length * 2));
    wider.set(this.values.subarray(0, this.length));
    this.values = wider;
  }
}
