import { availableParallelism } from 'node:os';
import type { EngineOptions } from '../worker/engine-options.ts';
import type { CreateTransport } from '../worker/protocol.ts';
import { threadTransport } from '../worker/thread-transport.ts';
import { childProcessTransport, inProcessTransport } from '../worker/transports.ts';
import type { DaemonModelFile, DaemonOptions } from './daemon.ts';
import type { WorkerOptions } from './worker-contract.ts';

export type WorkerSettings = Omit<WorkerOptions, 'clock' | 'hooks'>;

/** Settings of every worker of a daemon, defaults filled in. */
export function workerSettings(options: DaemonOptions): readonly WorkerSettings[] {
  const count = options.workers ?? 1;
  const models = Object.entries(options.models);
  const threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / (count * models.length)));
  return models.flatMap(([model, file]) =>
    Array.from(
      { length: count },
      (_, index): WorkerSettings => ({
        id: `${model}#${index}`,
        model,
        engine: engineOptions(options, typeof file === 'string' ? { path: file } : file, threads),
        createTransport: transportOf(options),
        firstTokenTimeoutMs: options.firstTokenTimeoutMs ?? 30_000,
        abortGraceMs: options.abortGraceMs ?? 2_000,
        loadTimeoutMs: options.loadTimeoutMs ?? 120_000,
        healthIntervalMs: options.healthIntervalMs ?? 5_000,
        healthTimeoutMs: options.healthTimeoutMs ?? 15_000,
        maxMemoryBytes: options.maxWorkerMemoryBytes ?? Number.POSITIVE_INFINITY,
        ageingMs: options.ageingMs ?? 2_000,
        lazy: options.lazy ?? false,
      }),
    ),
  );
}

function engineOptions(options: DaemonOptions, file: DaemonModelFile, threads: number): EngineOptions {
  const { cache = {}, contextTokens, llamaModule } = options;
  return {
    modelPath: file.path,
    threads,
    ...(file.hash === undefined ? {} : { modelHash: file.hash }),
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(llamaModule === undefined ? {} : { llamaModule }),
    ...(cache.slots === undefined ? {} : { slots: cache.slots }),
    ...(cache.maxKvBytes === undefined ? {} : { maxKvBytes: cache.maxKvBytes }),
    ...(cache.maxLayers === undefined ? {} : { maxLayers: cache.maxLayers }),
    ...(cache.maxBytes === undefined ? {} : { maxLayerBytes: cache.maxBytes }),
    ...(cache.stateFolder === undefined ? {} : { stateFolder: cache.stateFolder }),
    ...(cache.maxStateBytes === undefined ? {} : { maxStateBytes: cache.maxStateBytes }),
  };
}

function transportOf({ transport = 'child' }: DaemonOptions): CreateTransport {
  if (transport === 'child') return childProcessTransport;
  if (transport === 'thread') return threadTransport;
  return transport === 'in-process' ? () => inProcessTransport() : transport;
}
