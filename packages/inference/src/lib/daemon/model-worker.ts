import { describeThrown, type ErrorRecord, GenieError } from '@genie/core/errors';
import type { EngineOptions } from '../worker/engine-options.ts';
import type { EngineStats } from '../worker/engine-request.ts';
import type { FromWorker, WorkerTransport } from '../worker/protocol.ts';
import type { Job } from './job.ts';
import { RequestQueue } from './request-queue.ts';
import { WarmKeys, WorkerCosts } from './router.ts';
import type { WorkerOptions } from './worker-contract.ts';
import { diedAtWork, diedTooOften, maxCrashes, noFirstToken, notSendable, tooLarge } from './worker-failures.ts';
import { WorkerTimers } from './worker-timers.ts';

/** One worker: its process, its queue and the job that runs on it. Restarts the process when it dies. */
export class ModelWorker {
  readonly options: WorkerOptions;
  readonly queue: RequestQueue<Job>;
  readonly costs = new WorkerCosts();
  readonly warm: WarmKeys;
  stats: EngineStats | undefined;
  status: 'starting' | 'ready' | 'busy' | 'failed' = 'starting';
  failure: ErrorRecord | undefined;
  restarts = -1;
  #transport: WorkerTransport | undefined;
  #current: Job | undefined;
  #startedAt = 0;
  #loadedKey: string | undefined;
  #crashes: number[] = [];
  #closing = false;
  #hasWorked = false;
  /** Knows what was verified already, so that a replacement need not do it again. */
  #engine: EngineOptions;
  readonly #timers: WorkerTimers;

  constructor(options: WorkerOptions) {
    this.options = options;
    this.#engine = options.engine;
    this.queue = new RequestQueue({ ageingMs: options.ageingMs });
    this.warm = new WarmKeys(options.engine.slots ?? 20);
    this.#timers = new WorkerTimers(options);
    if (!options.lazy) this.#spawn();
  }

  get waiting(): number {
    return this.queue.size + (this.#current ? 1 : 0);
  }

  get pid(): number | undefined {
    return this.#transport?.pid;
  }

  add(job: Job): void {
    this.queue.add(job);
    this.#wake();
    this.#transport?.keepAlive(true);
    this.warm.use(job.key);
    this.#next();
  }

  /** Somebody waits for the worker to be ready. */
  keepAlive(): void {
    this.#wake();
    if (this.status === 'starting') this.#transport?.keepAlive(true);
  }

  /** Takes a job away; what runs is told to stop, and killed when it does not. */
  cancel(job: Job): void {
    if (this.queue.delete(job)) {
      if (this.waiting === 0) this.#transport?.keepAlive(false);
      return;
    }
    if (this.#current === job) this.#stop('the request was cancelled');
  }

  /** Every job that has not begun to answer; used when the worker is gone for good. */
  drain(): readonly Job[] {
    const jobs = [...this.queue.values()];
    for (const job of jobs) this.queue.delete(job);
    return jobs;
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#timers.cancel();
    const transport = this.#transport;
    if (!transport || this.status === 'failed') return;
    transport.keepAlive(true);
    const gone = new Promise<void>((resolve) => transport.onExit(() => resolve()));
    // A process that loads has nothing to finish; what cannot be ended in the middle takes this as a wish.
    if (this.status === 'starting') transport.kill();
    else transport.send({ type: 'close' });
    const cancel = this.options.clock.schedule(this.options.abortGraceMs, () => transport.kill());
    await gone;
    cancel();
  }

  /** The first start of a lazy worker. */
  #wake(): void {
    if (this.restarts < 0 && !this.#closing) this.#spawn();
  }

  #spawn(): void {
    this.restarts += 1;
    this.status = 'starting';
    this.stats = undefined;
    this.#loadedKey = undefined;
    this.#hasWorked = false;
    const transport = this.options.createTransport();
    this.#transport = transport;
    transport.onMessage((message) => {
      if (transport === this.#transport && !this.#closing) this.#receive(message);
    });
    transport.onExit((reason) => {
      if (transport === this.#transport && !this.#closing) this.#lost(reason);
    });
    transport.send({ type: 'load', options: this.#engine });
    transport.keepAlive(this.queue.size > 0);
    this.#expect(this.options.loadTimeoutMs);
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.#timers.cancelDeadline();
        this.status = 'ready';
        this.stats = message.stats;
        if (message.modelStamp) this.#engine = { ...this.#engine, verifiedStamp: message.modelStamp };
        this.#timers.watchHealth({
          ping: (at) => this.#transport?.send({ type: 'ping', at }),
          overdue: (reason) => this.#kill(reason),
        });
        this.options.hooks.ready(this);
        this.#next();
        break;
      case 'failed':
        this.#giveUp(message.error);
        break;
      case 'token':
        this.#token(message.id, message.text);
        break;
      case 'end':
      case 'error':
        this.#ended(message);
        break;
      case 'pong':
        this.#timers.heard();
        this.stats = message.stats ?? this.stats;
        break;
      default:
        message satisfies never;
    }
  }

  #next(): void {
    if (this.status !== 'ready' || this.#closing) return;
    if ((this.stats?.rssBytes ?? 0) > this.options.maxMemoryBytes) {
      this.#recycle();
      return;
    }
    const { clock } = this.options;
    const job = this.queue.take(clock.elapsed(), this.#loadedKey);
    this.#transport?.keepAlive(job !== undefined);
    if (!job) return;
    this.status = 'busy';
    this.#current = job;
    this.#hasWorked = true;
    this.#startedAt = clock.elapsed();
    this.#loadedKey = job.key;
    job.attempts += 1;
    this.#expect(this.options.firstTokenTimeoutMs);
    try {
      this.#transport?.send({ type: 'start', id: job.id, request: job.request });
    } catch (error) {
      this.#refuse(job, error);
    }
  }

  /** What cannot be sent to another process fails alone. */
  #refuse(job: Job, error: unknown): void {
    this.#timers.cancelDeadline();
    this.#current = undefined;
    this.status = 'ready';
    this.options.hooks.failed(job, notSendable(describeThrown(error)));
    this.#next();
  }

  /** Replaces a process that has grown too large. It is idle, so nothing is lost; one that is too large from the start would be for ever. */
  #recycle(): void {
    const { id, maxMemoryBytes, hooks } = this.options;
    const used = Math.round((this.stats?.rssBytes ?? 0) / 2 ** 20);
    const allowed = Math.round(maxMemoryBytes / 2 ** 20);
    if (!this.#hasWorked) {
      this.#giveUp(tooLarge(id, used, allowed));
      return;
    }
    const transport = this.#transport;
    this.#transport = undefined;
    this.#timers.cancel();
    transport?.kill();
    this.warm.clear();
    hooks.crashed(this, `it took ${used} MiB of ${allowed} and was replaced`);
    this.#spawn();
  }

  #token(id: number, text: string): void {
    const job = this.#current;
    if (job?.id !== id) return;
    if (!job.emitted) this.#timers.cancelDeadline();
    job.emitted = true;
    job.onText(text);
  }

  #ended(message: Extract<FromWorker, { type: 'end' | 'error' }>): void {
    const job = this.#current;
    this.stats = message.stats;
    if (job?.id !== message.id) return;
    this.#timers.cancelDeadline();
    this.#current = undefined;
    this.status = 'ready';
    const now = this.options.clock.elapsed();
    this.options.hooks.busy(this.#startedAt, now);
    if (message.type === 'end') {
      this.costs.learn(message.result.tookMs, message.result.cachedTokens > 0);
      this.options.hooks.finished(job, message.result);
    } else {
      const { code, message: text, details } = message.error;
      this.options.hooks.failed(job, new GenieError(code, text, details ? { details } : {}));
    }
    this.#next();
  }

  /** Asks the running job to stop, then kills the process when it does not. */
  #stop(reason: string): void {
    const job = this.#current;
    if (!job) return;
    this.#transport?.send({ type: 'abort', id: job.id });
    this.#timers.deadline(this.options.abortGraceMs, () =>
      this.#kill(`${reason} and it did not stop within ${this.options.abortGraceMs} ms`),
    );
  }

  #expect(afterMs: number): void {
    this.#timers.deadline(afterMs, () => this.#overdue(afterMs));
  }

  #overdue(afterMs: number): void {
    const job = this.#current;
    if (!job) {
      this.#kill(`the model was not loaded within ${afterMs} ms`);
      return;
    }
    this.options.hooks.failed(job, noFirstToken(this.options.id, afterMs));
    this.#stop('the request was overdue');
  }

  #kill(reason: string): void {
    const transport = this.#transport;
    this.#transport = undefined;
    transport?.kill();
    this.#lost(reason);
  }

  #lost(reason: string): void {
    this.#timers.cancel();
    if (this.#closing) return;
    this.#transport = undefined;
    this.warm.clear();
    const { clock, hooks } = this.options;
    const job = this.#current;
    this.#current = undefined;
    if (job) hooks.busy(this.#startedAt, clock.elapsed());
    const now = clock.elapsed();
    this.#crashes = [...this.#crashes.filter((at) => at > now - 60_000), now];
    if (job && !job.settled) this.#recover(job, reason);
    if (this.#crashes.length >= maxCrashes) {
      this.#giveUp(diedTooOften(this.options.id, reason));
      return;
    }
    hooks.crashed(this, reason);
    this.#spawn();
  }

  /** Once more when nothing was said yet; else the caller must know that the answer is broken. */
  #recover(job: Job, reason: string): void {
    if (!job.emitted && job.attempts < 2) {
      this.queue.add(job);
      return;
    }
    this.options.hooks.failed(job, diedAtWork(this.options.id, job.emitted, reason));
  }

  #giveUp(error: ErrorRecord): void {
    this.#timers.cancel();
    this.status = 'failed';
    this.failure = error;
    const transport = this.#transport;
    this.#transport = undefined;
    transport?.kill();
    this.options.hooks.crashed(this, error.message);
  }
}
