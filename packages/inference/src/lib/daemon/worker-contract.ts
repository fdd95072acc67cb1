import type { GenieError } from '@genie/core/errors';
import type { Clock } from '@genie/core/ports';
import type { EngineOptions } from '../worker/engine-options.ts';
import type { EngineResult } from '../worker/engine-request.ts';
import type { CreateTransport } from '../worker/protocol.ts';
import type { Job } from './job.ts';

export interface WorkerOptions {
  readonly id: string;
  readonly model: string;
  readonly engine: EngineOptions;
  readonly createTransport: CreateTransport;
  readonly clock: Clock;
  readonly firstTokenTimeoutMs: number;
  readonly abortGraceMs: number;
  readonly loadTimeoutMs: number;
  readonly healthIntervalMs: number;
  readonly healthTimeoutMs: number;
  readonly maxMemoryBytes: number;
  readonly ageingMs: number;
  /** Starts with the first request, or when somebody waits for it. */
  readonly lazy: boolean;
  readonly hooks: WorkerHooks;
}

/** What the daemon sees of a worker that tells it something. */
export interface ToldWorker {
  readonly options: { readonly id: string };
  readonly status: 'starting' | 'ready' | 'busy' | 'failed';
  readonly restarts: number;
  /** Takes every job that has not begun to answer. */
  drain(): readonly Job[];
}

/** What the daemon wants to know. */
export interface WorkerHooks {
  ready(worker: ToldWorker): void;
  /** The worker is gone; its jobs are still with it. */
  crashed(worker: ToldWorker, reason: string): void;
  finished(job: Job, result: EngineResult): void;
  failed(job: Job, error: GenieError): void;
  busy(from: number, to: number): void;
}
