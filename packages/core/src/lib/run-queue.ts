/** Lets at most `limit` runs work at a time; the others wait in the order they came. */
export class RunQueue {
  readonly #limit: number;
  #active = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves when there is room; `undefined` when there is room now. */
  enter(): Promise<void> | undefined {
    if (this.#active < this.#limit) {
      this.#active += 1;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#active -= 1;
  }
}
