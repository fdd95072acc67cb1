import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestQueue } from './request-queue.ts';
import { chooseWorker, WarmKeys, WorkerCosts } from './router.ts';

const entry = (key: string, priority: number, enqueuedAt: number) => ({ key, priority, enqueuedAt });

describe('RequestQueue', () => {
  it('takes the highest priority, then what is loaded, then the oldest', () => {
    const queue = new RequestQueue();
    for (const one of [entry('a', 5, 0), entry('b', 5, 1), entry('c', 9, 2), entry('b', 5, 3)]) queue.add(one);
    expect([1, 2, 3, 4].map(() => queue.take(10, 'b')?.key)).toEqual(['c', 'b', 'b', 'a']);
    expect(queue.take(10)).toBeUndefined();
  });

  it('lets nobody wait for ever: priority 0 passes fresh 10s in time', () => {
    const queue = new RequestQueue({ ageingMs: 1_000 });
    const old = entry('old', 0, 0);
    queue.add(old);
    let now = 0;
    for (;;) {
      now += 100;
      queue.add(entry('new', 10, now));
      if (queue.take(now, 'new') === old) break;
      expect(now).toBeLessThan(12_000);
    }
    expect(now).toBeGreaterThan(9_000);
  });

  it('gives out everything once', () => {
    const entries = fc.array(
      fc.record({ key: fc.constantFrom('a', 'b'), priority: fc.nat(10), enqueuedAt: fc.nat(100) }),
    );
    fc.assert(
      fc.property(
        entries,
        fc.constantFrom('a', 'b', undefined),
        fc.integer({ min: 0, max: 3 }),
        (list, loaded, groupingWindow) => {
          const queue = new RequestQueue<(typeof list)[number]>({ groupingWindow });
          for (const one of list) queue.add(one);
          const taken = list.map(() => queue.take(200, loaded));
          expect(new Set(taken)).toEqual(new Set(list));
          expect(queue.size).toBe(0);
        },
      ),
    );
  });
});

/** A farm of simulated workers: each request takes 20 ms, and 80 ms more when its genome is not in one of the worker's 20 slots. */
function simulate(choose: (workers: readonly SimulatedWorker[], key: string) => SimulatedWorker) {
  let state = 12_345;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
  const weights = Array.from({ length: 50 }, (_, index) => 1 / (index + 1));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const pick = () => {
    let at = random() * sum;
    return weights.findIndex((weight) => {
      at -= weight;
      return at < 0;
    });
  };
  const workers = Array.from({ length: 4 }, () => new SimulatedWorker());
  let now = 0;
  let hits = 0;
  let latency = 0;
  const count = 20_000;
  for (let index = 0; index < count; index += 1) {
    now += -Math.log(1 - random()) * 9;
    const key = `g${pick()}`;
    const worker = choose(
      workers.map((one) => one.advance(now)),
      key,
    );
    const { hit, latencyMs } = worker.run(key, now);
    if (hit) hits += 1;
    latency += latencyMs;
  }
  return { hitRate: hits / count, meanLatencyMs: latency / count };
}

class SimulatedWorker {
  readonly costs = new WorkerCosts();
  readonly warm = new WarmKeys(20);
  readonly #held = new WarmKeys(20);
  #ends: number[] = [];
  get waiting() {
    return this.#ends.length;
  }
  advance(now: number) {
    this.#ends = this.#ends.filter((end) => end > now);
    return this;
  }
  run(key: string, now: number) {
    const hit = this.#held.has(key);
    this.#held.use(key);
    this.warm.use(key);
    const tookMs = hit ? 20 : 100;
    const end = Math.max(now, this.#ends.at(-1) ?? now) + tookMs;
    this.#ends.push(end);
    this.costs.learn(tookMs, hit);
    return { hit, latencyMs: end - now };
  }
}

describe('chooseWorker', () => {
  it('keeps genomes where they are warm: 50 genomes on 4 workers', () => {
    const routed = simulate((workers, key) => chooseWorker(workers, key) as SimulatedWorker);
    const leastLoaded = simulate(
      (workers) => [...workers].sort((left, right) => left.waiting - right.waiting)[0] as SimulatedWorker,
    );
    expect(routed.hitRate).toBeGreaterThanOrEqual(0.95);
    expect(routed.meanLatencyMs).toBeLessThanOrEqual(0.6 * leastLoaded.meanLatencyMs);
  });

  it('prefers a short queue over a warm key when the wait is longer than a miss', () => {
    const [warm, idle] = [new SimulatedWorker(), new SimulatedWorker()];
    for (const worker of [warm, idle]) {
      worker.costs.learn(20, true);
      worker.costs.learn(100, false);
    }
    warm.run('a', 0);
    expect(chooseWorker([warm, idle], 'a')).toBe(warm);
    for (let count = 0; count < 8; count += 1) warm.run('a', 0);
    expect(chooseWorker([warm, idle], 'a')).toBe(idle);
    expect(chooseWorker([], 'a')).toBeUndefined();
  });
});
