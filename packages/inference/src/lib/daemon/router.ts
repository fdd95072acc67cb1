/** What the router knows of a worker. */
export interface RoutedWorker {
  /** Requests that wait or run there. */
  readonly waiting: number;
  readonly costs: WorkerCosts;
  readonly warm: WarmKeys;
}

/** Learns how long a request takes, and how much longer when its weights and prefix are not there. Exponentially weighted means. */
export class WorkerCosts {
  #hitMs: number | undefined;
  #missMs: number | undefined;

  learn(tookMs: number, wasHit: boolean): void {
    if (wasHit) this.#hitMs = blend(this.#hitMs, tookMs);
    else this.#missMs = blend(this.#missMs, tookMs);
  }

  get hitMs(): number {
    return this.#hitMs ?? (this.#missMs ?? 100) / 2;
  }

  /** What a miss costs on top of a hit. */
  get missCostMs(): number {
    return Math.max(0, (this.#missMs ?? this.hitMs * 2) - this.hitMs);
  }
}

function blend(mean: number | undefined, value: number): number {
  return mean === undefined ? value : mean + 0.1 * (value - mean);
}

/** The keys that a worker holds or is about to: least recently used goes when there are more than it has slots. */
export class WarmKeys {
  readonly #slots: number;
  readonly #keys = new Map<string, number>();
  #uses = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  get isFull(): boolean {
    return this.#keys.size >= this.#slots;
  }

  get size(): number {
    return this.#keys.size;
  }

  use(key: string): void {
    this.#uses += 1;
    this.#keys.delete(key);
    this.#keys.set(key, this.#uses);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > this.#slots && oldest !== undefined) this.#keys.delete(oldest);
  }

  clear(): void {
    this.#keys.clear();
  }
}

/**
 * The worker where the request is expected to end first: what waits there × a request's time, plus the cost of a miss when the key is not warm.
 * A miss on a full worker also costs somebody else's hit later, so it counts half as much again. Ties go to the worker with fewer keys.
 */
export function chooseWorker<Worker extends RoutedWorker>(workers: readonly Worker[], key: string): Worker | undefined {
  let best: Worker | undefined;
  let bestMs = Number.POSITIVE_INFINITY;
  for (const worker of workers) {
    const ms = expectedMs(worker, key);
    if (!best || ms < bestMs || (ms === bestMs && worker.warm.size < best.warm.size)) {
      best = worker;
      bestMs = ms;
    }
  }
  return best;
}

function expectedMs({ waiting, costs, warm }: RoutedWorker, key: string): number {
  const miss = warm.has(key) ? 0 : costs.missCostMs * (warm.isFull ? 1.5 : 1);
  return (waiting + 1) * costs.hitMs + miss;
}
