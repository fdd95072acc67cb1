import type { ModelFailureKind } from '../failure/model-failure.ts';

/** One row of the log of decisions. */
export interface FailoverDecision {
  readonly at: number;
  readonly action: 'use' | 'skip' | 'retry' | 'fail-over' | 'stop';
  readonly model: string;
  readonly attempt: number;
  readonly reason: string;
  readonly kind?: ModelFailureKind;
  readonly waitMs?: number;
}
