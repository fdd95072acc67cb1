import type { EngineStats } from '../worker/engine-request.ts';

export interface WorkerMetrics {
  readonly id: string;
  readonly model: string;
  readonly status: 'starting' | 'ready' | 'busy' | 'failed';
  readonly pid: number | undefined;
  readonly queueDepth: number;
  readonly restarts: number;
  readonly stats: EngineStats | undefined;
}

/** The daemon's state and history as data. Rates are 0 to 1; undefined before there is anything to measure. */
export interface DaemonMetrics {
  readonly queueDepth: number;
  readonly running: number;
  /** Share of the last minute that the workers were busy. */
  readonly load: number;
  readonly requests: {
    readonly total: number;
    readonly completed: number;
    readonly failed: number;
    readonly aborted: number;
    readonly retried: number;
  };
  /** Of the last 500 completed requests, from submission to the end. */
  readonly latencyMs: {
    readonly mean: number | undefined;
    readonly p50: number | undefined;
    readonly p95: number | undefined;
  };
  /** From submission to the first piece of text. */
  readonly firstTokenMs: { readonly p50: number | undefined; readonly p95: number | undefined };
  /** Over the time that workers generated. */
  readonly tokensPerSecond: number | undefined;
  readonly layerHitRate: number | undefined;
  readonly prefixHitRate: number | undefined;
  readonly layerEvictions: number;
  readonly layerBytes: number;
  readonly stateBytes: number;
  readonly workers: readonly WorkerMetrics[];
}

const window = 500;
const loadWindowMs = 60_000;

/** Collects what {@link DaemonMetrics} reports. */
export class MetricsRecorder {
  readonly #latencies: number[] = [];
  readonly #firstTokens: number[] = [];
  readonly #busy: { readonly from: number; readonly to: number }[] = [];
  #tokens = 0;
  #generatingMs = 0;
  total = 0;
  completed = 0;
  failed = 0;
  aborted = 0;
  retried = 0;

  complete(request: {
    readonly latencyMs: number;
    readonly firstTokenMs: number;
    readonly tokens: number;
    readonly generatingMs: number;
  }): void {
    this.completed += 1;
    this.#tokens += request.tokens;
    this.#generatingMs += request.generatingMs;
    keep(this.#latencies, request.latencyMs);
    keep(this.#firstTokens, request.firstTokenMs);
  }

  busy(from: number, to: number): void {
    this.#busy.push({ from, to });
    while ((this.#busy[0]?.to ?? to) < to - loadWindowMs) this.#busy.shift();
  }

  report(now: number, startedAt: number, workers: readonly WorkerMetrics[]): DaemonMetrics {
    const stats = workers.flatMap((worker) => worker.stats ?? []);
    const sum = (read: (one: EngineStats) => number) => stats.reduce((total, one) => total + read(one), 0);
    const from = Math.max(startedAt, now - loadWindowMs);
    const busyMs = this.#busy.reduce(
      (total, one) => total + Math.max(0, Math.min(one.to, now) - Math.max(one.from, from)),
      0,
    );
    return {
      queueDepth: workers.reduce((total, worker) => total + worker.queueDepth, 0),
      running: workers.filter((worker) => worker.status === 'busy').length,
      load: now <= from ? 0 : Math.min(1, busyMs / ((now - from) * Math.max(1, workers.length))),
      requests: {
        total: this.total,
        completed: this.completed,
        failed: this.failed,
        aborted: this.aborted,
        retried: this.retried,
      },
      latencyMs: {
        mean: mean(this.#latencies),
        p50: quantile(this.#latencies, 0.5),
        p95: quantile(this.#latencies, 0.95),
      },
      firstTokenMs: { p50: quantile(this.#firstTokens, 0.5), p95: quantile(this.#firstTokens, 0.95) },
      tokensPerSecond: this.#generatingMs === 0 ? undefined : (1_000 * this.#tokens) / this.#generatingMs,
      layerHitRate: rate(
        sum((one) => one.layerHits),
        sum((one) => one.layerMisses),
      ),
      prefixHitRate: rate(
        sum((one) => one.prefixHits),
        sum((one) => one.prefixMisses),
      ),
      layerEvictions: sum((one) => one.layerEvictions),
      layerBytes: sum((one) => one.layerBytes),
      stateBytes: sum((one) => one.stateBytes),
      workers,
    };
  }
}

function keep(list: number[], value: number): void {
  list.push(value);
  if (list.length > window) list.shift();
}

function mean(list: readonly number[]): number | undefined {
  return list.length === 0 ? undefined : list.reduce((sum, value) => sum + value, 0) / list.length;
}

function quantile(list: readonly number[], share: number): number | undefined {
  const sorted = [...list].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

function rate(hits: number, misses: number): number | undefined {
  return hits + misses === 0 ? undefined : hits / (hits + misses);
}
