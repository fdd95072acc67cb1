/** Lets at most `limit` runs work at a time; the others wait in the order they came. */
export class RunQueue {
  readonly #limit: number;
  #active = 0;
  readonly #waiting = new Set<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * True when there is room now. Otherwise resolves to true when there is, and to false as soon as the signal aborts. Whoever
   * got true calls `leave` at its end.
   */
  enter(signal: AbortSignal): boolean | Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#active < this.#limit) {
      this.#active += 1;
      return true;
    }
    return new Promise((resolve) => {
      const admit = () => {
        signal.removeEventListener('abort', giveUp);
        resolve(true);
      };
      const giveUp = () => {
        this.#waiting.delete(admit);
        resolve(false);
      };
      this.#waiting.add(admit);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  leave(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#active -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
