import { availableParallelism } from 'node:os';
import { GenieError } from '@genie/core/errors';
import { type Clock, type LanguageModel, systemClock } from '@genie/core/ports';
import { canonicalLayers } from '../genome/genome-hash.ts';
import type { EngineLayer, EngineRequest, EngineResult } from '../worker/engine-request.ts';
import { type CreateTransport, childProcessTransport, inProcessTransport } from '../worker/transports.ts';
import { type DaemonMetrics, MetricsRecorder } from './daemon-metrics.ts';
import { createDaemonModel } from './daemon-model.ts';
import type { Job } from './job.ts';
import { chooseWorker } from './router.ts';
import { ModelWorker } from './worker-process.ts';

export interface DaemonOptions {
  /** GGUF files by id; at least one. The first is the default. */
  readonly models: Readonly<Record<string, string>>;
  /** Workers for each model, 1 to 4. Default 1. */
  readonly workers?: number;
  /** Threads of a worker. Default the cores shared among all workers. */
  readonly threads?: number;
  readonly cache?: {
    /** Layers in a worker's memory. Default 20. */
    readonly maxLayers?: number;
    /** Default 500 MB. */
    readonly maxBytes?: number;
    /** Genomes whose KV stays in a worker's memory. Default 20. */
    readonly slots?: number;
    /** Where KV of evicted prefixes is kept while the daemon runs; without it, it is computed again. */
    readonly stateFolder?: string;
    /** Default 1 GB a worker. */
    readonly maxStateBytes?: number;
  };
  /** Tokens of a conversation. Default 4,096. */
  readonly contextTokens?: number;
  /** `child` (default) survives crashes of native code; `in-process` does not. */
  readonly transport?: 'child' | 'in-process' | CreateTransport;
  /** From the start of the work to the first token. Default 30,000. */
  readonly firstTokenTimeoutMs?: number;
  /** How long a worker may take to stop before it is killed. Default 2,000. */
  readonly abortGraceMs?: number;
  /** Default 120,000. */
  readonly loadTimeoutMs?: number;
  /** Default 5,000. */
  readonly healthIntervalMs?: number;
  /** Default 15,000. */
  readonly healthTimeoutMs?: number;
  /** A worker above it is replaced when it is idle. Default no limit. */
  readonly maxWorkerMemoryBytes?: number;
  /** Waiting time that is worth one priority. Default 2,000. */
  readonly ageingMs?: number;
  readonly onEvent?: (event: DaemonEvent) => void;
  readonly clock?: Clock;
  /** A module to import instead of `node-llama-cpp`. */
  readonly llamaModule?: string;
}

export type DaemonEvent =
  | { readonly type: 'worker.ready'; readonly at: number; readonly worker: string; readonly restarts: number }
  | {
      readonly type: 'worker.crashed';
      readonly at: number;
      readonly worker: string;
      readonly reason: string;
      readonly final: boolean;
    }
  | {
      readonly type: 'request.completed';
      readonly at: number;
      readonly model: string;
      readonly latencyMs: number;
      readonly result: EngineResult;
    }
  | { readonly type: 'request.failed'; readonly at: number; readonly model: string; readonly code: string };

/** What to run a request on. */
export interface DaemonGenome {
  /** Id of the base model. Default the first. */
  readonly base?: string;
  readonly layers?: readonly EngineLayer[];
  /** 0 to 10, 10 first. Default 5. */
  readonly priority?: number;
}

export interface DaemonRequestOptions extends DaemonGenome {
  readonly onText?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** Serves local models: a queue, workers in processes of their own, and language models on top. */
export interface Daemon {
  /** A model of the AI SDK's contract, with tool calls and JSON by grammar. */
  model(genome?: DaemonGenome): LanguageModel;
  /** One raw request. Rejects with the codes of the engine, `GENIE_MODEL_TIMEOUT`, `GENIE_WORKER_CRASHED`, `GENIE_WORKER_FAILED`, or the signal's reason. */
  request(request: Omit<EngineRequest, 'layers'>, options?: DaemonRequestOptions): Promise<EngineResult>;
  /** Resolves when every worker is loaded; rejects with the reason of the first that cannot. */
  ready(): Promise<void>;
  metrics(): DaemonMetrics;
  readonly models: readonly string[];
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a daemon. Throws `GENIE_DAEMON_OPTIONS`. Failures to load show in `ready()` and in requests. */
export function createDaemon(options: DaemonOptions): Daemon {
  checkOptions(options);
  const daemon = new LocalDaemon(options);
  return daemon;
}

function checkOptions({ models, workers = 1 }: DaemonOptions): void {
  if (Object.keys(models).length === 0)
    throw new GenieError(
      'GENIE_DAEMON_OPTIONS',
      'The daemon has no models: pass { models: { <id>: <path of a GGUF file> } }.',
    );
  if (!Number.isInteger(workers) || workers < 1 || workers > 4)
    throw new GenieError('GENIE_DAEMON_OPTIONS', `The daemon has workers ${workers}: use 1 to 4.`);
}

class LocalDaemon implements Daemon {
  readonly #options: DaemonOptions;
  readonly #clock: Clock;
  readonly #workers: readonly ModelWorker[];
  readonly #metrics = new MetricsRecorder();
  readonly #jobs = new Set<Job>();
  readonly #startedAt: number;
  readonly #waiters = new Set<() => void>();
  #nextId = 1;
  #closed = false;

  constructor(options: DaemonOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#startedAt = this.#clock.elapsed();
    const count = options.workers ?? 1;
    const entries = Object.entries(options.models);
    const threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / (count * entries.length)));
    this.#workers = entries.flatMap(([model, modelPath]) =>
      Array.from({ length: count }, (_, index) => this.#createWorker(model, modelPath, index, threads)),
    );
  }

  get models(): readonly string[] {
    return Object.keys(this.#options.models);
  }

  model(genome: DaemonGenome = {}): LanguageModel {
    const base = this.#baseOf(genome);
    return createDaemonModel({
      modelId: base,
      run: (request, more) => this.request(request, { ...genome, base, ...more }),
    });
  }

  request(request: Omit<EngineRequest, 'layers'>, options: DaemonRequestOptions = {}): Promise<EngineResult> {
    const { signal, layers = [], priority = 5 } = options;
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new GenieError('GENIE_DAEMON_CLOSED', 'The daemon is closed: create another one.');
      signal?.throwIfAborted();
      const model = this.#baseOf(options);
      const key = canonicalLayers(layers.map((layer) => ({ ...layer, hash: layer.hash ?? layer.path })))
        .map(({ hash, weight }) => `${hash}*${weight}`)
        .join(' ');
      const job: Job = {
        id: this.#nextId,
        model,
        key,
        priority: Math.min(10, Math.max(0, priority)),
        enqueuedAt: this.#clock.elapsed(),
        request: { ...request, layers },
        onText: (text) => {
          if (!job.settled) options.onText?.(text);
        },
        resolve: (result) => settle(() => resolve(result)),
        reject: (error) => settle(() => reject(error)),
        attempts: 0,
        emitted: false,
        settled: false,
      };
      const onAbort = () => {
        if (job.settled) return;
        this.#metrics.aborted += 1;
        settle(() => reject(signal?.reason));
        for (const worker of this.#workers) worker.cancel(job);
      };
      const settle = (tell: () => void) => {
        if (job.settled) return;
        job.settled = true;
        this.#jobs.delete(job);
        signal?.removeEventListener('abort', onAbort);
        tell();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#nextId += 1;
      this.#metrics.total += 1;
      this.#jobs.add(job);
      this.#route(job);
    });
  }

  async ready(): Promise<void> {
    for (const worker of this.#workers) worker.keepAlive();
    for (;;) {
      const failed = this.#workers.find((worker) => worker.status === 'failed');
      if (failed?.failure) throw new GenieError(failed.failure.code, failed.failure.message);
      if (this.#workers.every((worker) => worker.status !== 'starting')) return;
      await new Promise<void>((resolve) => this.#waiters.add(resolve));
    }
  }

  metrics(): DaemonMetrics {
    const workers = this.#workers.map((worker) => ({
      id: worker.options.id,
      model: worker.options.model,
      status: worker.status,
      pid: worker.pid,
      queueDepth: worker.queue.size,
      restarts: worker.restarts,
      stats: worker.stats,
    }));
    return this.#metrics.report(this.#clock.elapsed(), this.#startedAt, workers);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const job of this.#jobs)
      job.reject(new GenieError('GENIE_DAEMON_CLOSED', 'The daemon was closed before the request ended.'));
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #baseOf(genome: DaemonGenome): string {
    const base = genome.base ?? this.models[0] ?? '';
    if (!Object.hasOwn(this.#options.models, base))
      throw new GenieError(
        'GENIE_DAEMON_OPTIONS',
        `The daemon has no model "${base}": it has ${this.models.join(', ')}.`,
      );
    return base;
  }

  #route(job: Job): void {
    const workers = this.#workers.filter((worker) => worker.options.model === job.model && worker.status !== 'failed');
    const worker = chooseWorker(workers, job.key);
    if (worker) {
      worker.add(job);
      return;
    }
    const failure = this.#workers.find((one) => one.options.model === job.model)?.failure;
    this.#fail(
      job,
      new GenieError(failure?.code ?? 'GENIE_WORKER_FAILED', failure?.message ?? `No worker serves "${job.model}".`),
    );
  }

  #createWorker(model: string, modelPath: string, index: number, threads: number): ModelWorker {
    const { cache = {}, contextTokens, llamaModule, transport = 'child' } = this.#options;
    const createTransport =
      transport === 'child' ? childProcessTransport : transport === 'in-process' ? inProcessTransport : transport;
    return new ModelWorker({
      id: `${model}#${index}`,
      model,
      engine: {
        modelPath,
        threads,
        ...(contextTokens === undefined ? {} : { contextTokens }),
        ...(llamaModule === undefined ? {} : { llamaModule }),
        ...(cache.slots === undefined ? {} : { slots: cache.slots }),
        ...(cache.maxLayers === undefined ? {} : { maxLayers: cache.maxLayers }),
        ...(cache.maxBytes === undefined ? {} : { maxLayerBytes: cache.maxBytes }),
        ...(cache.stateFolder === undefined ? {} : { stateFolder: cache.stateFolder }),
        ...(cache.maxStateBytes === undefined ? {} : { maxStateBytes: cache.maxStateBytes }),
      },
      createTransport,
      clock: this.#clock,
      firstTokenTimeoutMs: this.#options.firstTokenTimeoutMs ?? 30_000,
      abortGraceMs: this.#options.abortGraceMs ?? 2_000,
      loadTimeoutMs: this.#options.loadTimeoutMs ?? 120_000,
      healthIntervalMs: this.#options.healthIntervalMs ?? 5_000,
      healthTimeoutMs: this.#options.healthTimeoutMs ?? 15_000,
      maxMemoryBytes: this.#options.maxWorkerMemoryBytes ?? Number.POSITIVE_INFINITY,
      ageingMs: this.#options.ageingMs ?? 2_000,
      hooks: {
        ready: (worker) => this.#ready(worker),
        crashed: (worker, reason) => this.#crashed(worker, reason),
        finished: (job, result) => this.#finish(job, result),
        failed: (job, error) => this.#fail(job, error),
        busy: (from, to) => this.#metrics.busy(from, to),
      },
    });
  }

  #ready(worker: ModelWorker): void {
    this.#emit({ type: 'worker.ready', at: this.#clock.now(), worker: worker.options.id, restarts: worker.restarts });
    this.#wake();
  }

  #crashed(worker: ModelWorker, reason: string): void {
    const final = worker.status === 'failed';
    this.#emit({ type: 'worker.crashed', at: this.#clock.now(), worker: worker.options.id, reason, final });
    // What waited there goes to other workers, or fails with the reason when there are none.
    if (final) for (const job of worker.drain()) this.#route(job);
    this.#wake();
  }

  #finish(job: Job, result: EngineResult): void {
    if (job.settled) return;
    const latencyMs = this.#clock.elapsed() - job.enqueuedAt;
    const waitedMs = latencyMs - result.tookMs;
    if (job.attempts > 1) this.#metrics.retried += 1;
    this.#metrics.complete({
      latencyMs,
      firstTokenMs: waitedMs + result.firstTokenMs,
      tokens: result.outputTokens,
      generatingMs: result.tookMs,
    });
    this.#emit({ type: 'request.completed', at: this.#clock.now(), model: job.model, latencyMs, result });
    job.resolve(result);
  }

  #fail(job: Job, error: GenieError): void {
    if (job.settled) return;
    this.#metrics.failed += 1;
    this.#emit({ type: 'request.failed', at: this.#clock.now(), model: job.model, code: error.code });
    job.reject(error);
  }

  #emit(event: DaemonEvent): void {
    this.#options.onEvent?.(event);
  }

  #wake(): void {
    for (const resolve of this.#waiters) resolve();
    this.#waiters.clear();
  }
}
