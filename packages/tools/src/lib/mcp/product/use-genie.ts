import type { Genie, MemoryPort, MetricsPort } from '@genie/core';

/** A genie with what clients may see of it. */
export interface GenieParts {
  readonly genie: Genie;
  readonly memory?: MemoryPort;
  readonly metrics?: MetricsPort;
}

/** A genie that is opened when a client needs it: its home stays free for others until then. */
export interface LazyGenie {
  readonly goal: string;
  /** Runs work on the open genie. What it rejects with becomes the answer of the call. */
  use<Value>(work: (parts: Required<GenieParts>) => Promise<Value>): Promise<Value>;
}

/** Runs work on whatever genie is served. */
export type UseGenie = <Value>(work: (parts: GenieParts) => Promise<Value>) => Promise<Value>;
