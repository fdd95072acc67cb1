export interface Queued {
  /** 0 to 10; 10 goes first. */
  readonly priority: number;
  /** Requests of one key use the same weights and share a KV prefix. */
  readonly key: string;
  /** On the clock that `take` is given. */
  readonly enqueuedAt: number;
}

export interface QueueOptions {
  /** A request gains one priority each time it has waited this long, so that none waits for ever. Default 2,000. */
  readonly ageingMs?: number;
  /** Requests whose priorities differ by less than this may change places to keep equal keys together. Default 1. */
  readonly groupingWindow?: number;
}

/** Priorities with ageing; among nearly equal ones, those for the weights that are loaded go first, then the oldest. */
export class RequestQueue<One extends Queued> {
  readonly #ageingMs: number;
  readonly #window: number;
  readonly #entries = new Set<One>();

  constructor(options: QueueOptions = {}) {
    this.#ageingMs = options.ageingMs ?? 2_000;
    this.#window = options.groupingWindow ?? 1;
  }

  get size(): number {
    return this.#entries.size;
  }

  values(): IterableIterator<One> {
    return this.#entries.values();
  }

  add(entry: One): void {
    this.#entries.add(entry);
  }

  delete(entry: One): boolean {
    return this.#entries.delete(entry);
  }

  /** Removes and returns the next one. `loadedKey` is what the worker has set now. */
  take(now: number, loadedKey?: string): One | undefined {
    const urgency = (entry: One) => entry.priority + (now - entry.enqueuedAt) / this.#ageingMs;
    let highest = Number.NEGATIVE_INFINITY;
    for (const entry of this.#entries) highest = Math.max(highest, urgency(entry));
    let best: One | undefined;
    for (const entry of this.#entries) {
      if (urgency(entry) <= highest - this.#window) continue;
      if (!best || goesBefore(entry, best, loadedKey)) best = entry;
    }
    // A window of 0 still leaves the most urgent.
    best ??= [...this.#entries].find((entry) => urgency(entry) === highest);
    if (best) this.#entries.delete(best);
    return best;
  }
}

function goesBefore(left: Queued, right: Queued, loadedKey: string | undefined): boolean {
  const leftFits = left.key === loadedKey;
  const rightFits = right.key === loadedKey;
  if (leftFits !== rightFits) return leftFits;
  if (left.priority !== right.priority) return left.priority > right.priority;
  return left.enqueuedAt < right.enqueuedAt;
}
