import type { GenieError } from '@genie/core/errors';
import type { EngineRequest, EngineResult } from '../worker/engine-request.ts';

/** A request on its way through the daemon. */
export interface Job {
  readonly id: number;
  readonly model: string;
  readonly key: string;
  readonly priority: number;
  /** On the monotonic clock. */
  readonly enqueuedAt: number;
  readonly request: EngineRequest;
  readonly onText: (text: string) => void;
  readonly resolve: (result: EngineResult) => void;
  readonly reject: (error: GenieError) => void;
  /** Times that a worker was given it. */
  attempts: number;
  /** Some of the answer reached the caller: it must not be repeated. */
  emitted: boolean;
  /** The caller has its answer; nothing more may reach it. */
  settled: boolean;
}
