import { GenieError } from '@genie/core/errors';
import { type Clock, type LanguageModel, systemClock } from '@genie/core/ports';
import { toModelError } from '../failure/model-failure.ts';
import { canonicalLayers } from '../genome/genome-hash.ts';
import { isNestedDeeper, maxNesting } from '../nesting.ts';
import type { EngineRequest, EngineResult } from '../worker/engine-request.ts';
import type { Daemon, DaemonEvent, DaemonGenome, DaemonOptions, DaemonRequestOptions } from './daemon.ts';
import { type DaemonMetrics, MetricsRecorder } from './daemon-metrics.ts';
import { createDaemonModel } from './daemon-model.ts';
import { connectMeter } from './daemon-telemetry.ts';
import type { Job } from './job.ts';
import { ModelWorker } from './model-worker.ts';
import { chooseWorker } from './router.ts';
import { Standby } from './standby.ts';
import type { ToldWorker } from './worker-contract.ts';
import { type WorkerSettings, workerSettings } from './worker-options.ts';

/** Routes requests to workers and keeps account of them. */
export class LocalDaemon implements Daemon {
  readonly #options: DaemonOptions;
  readonly #clock: Clock;
  readonly #workers: readonly ModelWorker[];
  readonly #standby: Standby | undefined;
  readonly #metrics = new MetricsRecorder();
  readonly #jobs = new Set<Job>();
  readonly #startedAt: number;
  readonly #waiters = new Set<() => void>();
  readonly #telemetry: { note(event: DaemonEvent): void; close(): void } | undefined;
  #nextId = 1;
  #refuses = false;
  #closing: Promise<void> | undefined;

  constructor(options: DaemonOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#startedAt = this.#clock.elapsed();
    const settings = workerSettings(options);
    this.#standby = standbyFor(options, settings);
    this.#workers = settings.map((one) => this.#createWorker(one));
    this.#telemetry = options.meter ? connectMeter(options.meter, () => this.metrics()) : undefined;
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
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      options.signal?.throwIfAborted();
      checkDepth(request);
      const job = this.#createJob(request, options, { resolve, reject });
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
      if (this.#closing !== undefined)
        throw new GenieError('GENIE_DAEMON_CLOSED', 'The daemon was closed before it was ready.');
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
      restarts: Math.max(0, worker.restarts),
      stats: worker.stats,
    }));
    return this.#metrics.report(this.#clock.elapsed(), this.#startedAt, workers);
  }

  async close(options: { readonly drain?: AbortSignal } = {}): Promise<void> {
    this.#refuses = true;
    if (options.drain && !this.#closing) await this.#drained(options.drain);
    this.#closing ??= this.#closeNow();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #closeNow(): Promise<void> {
    for (const job of this.#jobs)
      job.reject(new GenieError('GENIE_DAEMON_CLOSED', 'The daemon was closed before the request ended.'));
    const closed = Promise.all([...this.#workers.map((worker) => worker.close()), this.#standby?.close()]);
    this.#wake();
    await closed;
    this.#telemetry?.close();
  }

  /** Resolves when nothing waits and nothing runs, or when the signal aborts. */
  async #drained(signal: AbortSignal): Promise<void> {
    while (this.#jobs.size > 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waiters.add(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  #checkOpen(): void {
    if (this.#refuses) throw new GenieError('GENIE_DAEMON_CLOSED', 'The daemon is closed: create another one.');
    const limit = this.#options.maxQueued ?? 1_000;
    if (this.#jobs.size - this.#workers.length < limit) return;
    throw new GenieError('GENIE_DAEMON_BUSY', `${limit} requests wait already: send it later, or raise "maxQueued".`);
  }

  #baseOf(genome: DaemonGenome): string {
    const base = genome.base ?? this.models[0] ?? '';
    if (Object.hasOwn(this.#options.models, base)) return base;
    throw new GenieError(
      'GENIE_DAEMON_OPTIONS',
      `The daemon has no model "${base}": it has ${this.models.join(', ')}.`,
    );
  }

  #createJob(
    request: Omit<EngineRequest, 'layers'>,
    options: DaemonRequestOptions,
    caller: { readonly resolve: (result: EngineResult) => void; readonly reject: (error: unknown) => void },
  ): Job {
    const { signal, layers = [], priority = 5 } = options;
    const settle = (tell: () => void) => {
      if (job.settled) return;
      job.settled = true;
      this.#jobs.delete(job);
      signal?.removeEventListener('abort', onAbort);
      tell();
      if (this.#refuses) this.#wake();
    };
    const job: Job = {
      id: this.#nextId,
      model: this.#baseOf(options),
      key: keyOf(layers),
      priority: Number.isNaN(priority) ? 5 : Math.min(10, Math.max(0, priority)),
      enqueuedAt: this.#clock.elapsed(),
      request: { ...request, layers },
      onText: (text) => {
        if (!job.settled) options.onText?.(text);
      },
      resolve: (result) => settle(() => caller.resolve(result)),
      reject: (error) => settle(() => caller.reject(error)),
      attempts: 0,
      emitted: false,
      settled: false,
    };
    const onAbort = () => {
      if (job.settled) return;
      this.#metrics.aborted += 1;
      settle(() => caller.reject(signal?.reason));
      for (const worker of this.#workers) worker.cancel(job);
    };
    this.#nextId += 1;
    signal?.addEventListener('abort', onAbort, { once: true });
    return job;
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

  #createWorker(settings: WorkerSettings): ModelWorker {
    return new ModelWorker({
      ...settings,
      createTransport: () => this.#standby?.take() ?? settings.createTransport(),
      clock: this.#clock,
      hooks: {
        ready: (worker) => this.#ready(worker),
        crashed: (worker, reason) => this.#crashed(worker, reason),
        finished: (job, result) => this.#finish(job, result),
        failed: (job, error) => this.#fail(job, error),
        busy: (from, to) => this.#metrics.busy(from, to),
      },
    });
  }

  #ready(worker: ToldWorker): void {
    this.#emit({ type: 'worker.ready', at: this.#clock.now(), worker: worker.options.id, restarts: worker.restarts });
    this.#standby?.refill();
    this.#wake();
  }

  #crashed(worker: ToldWorker, reason: string): void {
    const final = worker.status === 'failed';
    this.#emit({ type: 'worker.crashed', at: this.#clock.now(), worker: worker.options.id, reason, final });
    // What waited there goes to other workers, or fails with the reason when there are none.
    if (final) for (const job of worker.drain()) this.#route(job);
    this.#wake();
  }

  #finish(job: Job, result: EngineResult): void {
    if (job.settled) return;
    const latencyMs = this.#clock.elapsed() - job.enqueuedAt;
    const firstTokenMs = latencyMs - result.tookMs + result.firstTokenMs;
    if (job.attempts > 1) this.#metrics.retried += 1;
    this.#metrics.complete({ latencyMs, firstTokenMs, tokens: result.outputTokens, generatingMs: result.tookMs });
    this.#emit({
      type: 'request.completed',
      at: this.#clock.now(),
      model: job.model,
      latencyMs,
      firstTokenMs,
      result,
    });
    job.resolve(result);
  }

  #fail(job: Job, error: GenieError): void {
    if (job.settled) return;
    this.#metrics.failed += 1;
    const latencyMs = this.#clock.elapsed() - job.enqueuedAt;
    this.#emit({ type: 'request.failed', at: this.#clock.now(), model: job.model, code: error.code, latencyMs });
    job.reject(error);
  }

  #emit(event: DaemonEvent): void {
    this.#telemetry?.note(event);
    this.#options.onEvent?.(event);
  }

  #wake(): void {
    for (const resolve of this.#waiters) resolve();
    this.#waiters.clear();
  }
}

/** What is too deep would end the worker that reads it, or this process that writes it. */
function checkDepth(request: Omit<EngineRequest, 'layers'>): void {
  if (!isNestedDeeper(request)) return;
  const message = `the request is nested deeper than ${maxNesting} levels`;
  throw toModelError({ kind: 'bad-request', message }, 'local');
}

/** One spare is enough for all: they differ in their models only. */
function standbyFor({ standby, transport }: DaemonOptions, settings: readonly WorkerSettings[]): Standby | undefined {
  const [first] = settings;
  if (!standby || !first || transport === 'thread' || transport === 'in-process') return undefined;
  return new Standby(first.createTransport, { threads: first.engine.threads, llamaModule: first.engine.llamaModule });
}

/** Requests of one key use the same weights. */
function keyOf(layers: EngineRequest['layers']): string {
  return canonicalLayers(layers.map((layer) => ({ ...layer, hash: layer.hash ?? layer.path })))
    .map(({ hash, weight }) => `${hash}*${weight}`)
    .join(' ');
}
