import type { ErrorRecord } from '@genie/core/errors';
import type { BackendOptions } from './backend.ts';
import type { EngineOptions } from './engine-options.ts';
import type { EngineRequest, EngineResult, EngineStats } from './engine-request.ts';

/** What the daemon tells a worker. */
export type ToWorker =
  /** Start the library, but load no model yet. */
  | { readonly type: 'prepare'; readonly options: BackendOptions }
  | { readonly type: 'load'; readonly options: EngineOptions }
  | { readonly type: 'start'; readonly id: number; readonly request: EngineRequest }
  | { readonly type: 'abort'; readonly id: number }
  | { readonly type: 'ping'; readonly at: number }
  | { readonly type: 'close' };

/** What a worker tells the daemon. The tokens of a request and its `end` travel on one port, so none can be overtaken. */
export type FromWorker =
  | { readonly type: 'ready'; readonly stats: EngineStats; readonly modelStamp?: string }
  | { readonly type: 'failed'; readonly error: ErrorRecord }
  | { readonly type: 'token'; readonly id: number; readonly text: string }
  | { readonly type: 'end'; readonly id: number; readonly result: EngineResult; readonly stats: EngineStats }
  | {
      readonly type: 'error';
      readonly id: number;
      readonly error: ErrorRecord;
      readonly aborted: boolean;
      readonly stats: EngineStats;
    }
  | { readonly type: 'pong'; readonly at: number; readonly stats: EngineStats | undefined };

/** The worker's side of a connection. */
export interface WorkerPort {
  send(message: FromWorker): void;
  onMessage(listener: (message: ToWorker) => void): void;
}

/** The daemon's side of a connection: one worker, however it runs. */
export interface WorkerTransport {
  /** Process id, when the worker is a process of its own. */
  readonly pid: number | undefined;
  send(message: ToWorker): void;
  onMessage(listener: (message: FromWorker) => void): void;
  /** Called once, when the worker is gone. */
  onExit(listener: (reason: string) => void): void;
  /** Whether this worker keeps the process alive: while it works, but not while it waits. */
  keepAlive(active: boolean): void;
  /** Ends the worker at once. Only a child process can be ended in the middle of native work; others end when they are idle. */
  kill(): void;
}

/** Makes a worker; called at the start and after each crash. */
export type CreateTransport = () => WorkerTransport;
