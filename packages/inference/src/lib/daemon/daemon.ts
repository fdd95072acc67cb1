import type { Clock, LanguageModel } from '@genie/core/ports';
import type { EngineLayer, EngineRequest, EngineResult } from '../worker/engine-request.ts';
import type { CreateTransport } from '../worker/protocol.ts';
import type { DaemonMetrics } from './daemon-metrics.ts';
import type { TelemetryMeter } from './telemetry-meter.ts';

/** A model file, and what it must contain. */
export interface DaemonModelFile {
  readonly path: string;
  /** SHA-256 of the file; another content is refused before it is loaded. */
  readonly hash?: string;
}

export interface DaemonOptions {
  /** GGUF files by id; at least one. The first is the default. */
  readonly models: Readonly<Record<string, string | DaemonModelFile>>;
  /** Workers for each model, 1 to 4. Default 1. */
  readonly workers?: number;
  /** Threads of a worker. Default the cores shared among all workers. */
  readonly threads?: number;
  readonly cache?: {
    /** Layers in a worker's memory. Default 20. */
    readonly maxLayers?: number;
    /** Default 500 MB. */
    readonly maxBytes?: number;
    /** Conversations whose KV stays in a worker's memory. Default as many as `maxKvBytes` holds, 1 to 20. */
    readonly slots?: number;
    /** Default 512 MB a worker. */
    readonly maxKvBytes?: number;
    /** Where KV of evicted prefixes is kept while the daemon runs; without it, it is computed again. Holds the text of conversations. */
    readonly stateFolder?: string;
    /** Default 1 GB a worker. */
    readonly maxStateBytes?: number;
  };
  /** Tokens of a conversation. Default 4,096; never more than the model was trained on. */
  readonly contextTokens?: number;
  /** `child` (default) survives crashes of native code; `thread` and `in-process` do not. */
  readonly transport?: 'child' | 'thread' | 'in-process' | CreateTransport;
  /**
   * Keep a process beside the workers that has started the library but loaded no model: a worker that dies is replaced about a second sooner, for some 80 MB.
   * Needs processes; with `thread` and `in-process` it changes nothing. Default false.
   */
  readonly standby?: boolean;
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
  /** Requests that may wait; one more is refused with `GENIE_DAEMON_BUSY`. Default 1,000. */
  readonly maxQueued?: number;
  /** Workers start with the first request or with `ready()`. Default false: at once. */
  readonly lazy?: boolean;
  readonly onEvent?: (event: DaemonEvent) => void;
  /** `metrics.getMeter('genie')` of `@opentelemetry/api`. Without one nothing is recorded. */
  readonly meter?: TelemetryMeter;
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
      /** From submission to the first token. */
      readonly firstTokenMs: number;
      readonly result: EngineResult;
    }
  | {
      readonly type: 'request.failed';
      readonly at: number;
      readonly model: string;
      readonly code: string;
      readonly latencyMs: number;
    };

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
  /**
   * One raw request. Rejects with the codes of the engine, `GENIE_MODEL_TIMEOUT`, `GENIE_WORKER_CRASHED`, `GENIE_WORKER_FAILED`, `GENIE_DAEMON_BUSY`, or the
   * signal's reason.
   */
  request(request: Omit<EngineRequest, 'layers'>, options?: DaemonRequestOptions): Promise<EngineResult>;
  /** Resolves when every worker is loaded; rejects with the reason of the first that cannot. */
  ready(): Promise<void>;
  metrics(): DaemonMetrics;
  readonly models: readonly string[];
  /** With `drain`, what waits and runs is answered first, until the signal aborts; new requests are refused at once. */
  close(options?: { readonly drain?: AbortSignal }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
