import type { Journal, JournalRecord, JournalRun } from '@genie/core/journal';
import type { Approvals } from '@genie/core/ports';
import type { Memory } from '@genie/memory';
import type { Metrics, MetricsOptions } from '@genie/metrics';

/**
 * What a genie keeps from one run to the next: runs, approvals, memory and metrics, in the files of its home or in a database. Settings, the
 * workspace, artifacts, the event log and the egress log are in the home either way.
 */
export interface GenieStore {
  readonly kind: 'home' | 'postgres';
  readonly approvals: Approvals;
  /** For `createGenie`. Undefined for a home: it opens its own, with which it takes the home. */
  readonly journal: Journal | undefined;
  /** Every run, oldest first, without owning anything. */
  runs(): Promise<readonly JournalRun[]>;
  /** The records of one run; empty when it is unknown. */
  records(runId: string): Promise<readonly JournalRecord[]>;
  /** Each call opens one of its own, which the caller closes. */
  openMemory(): Promise<Memory>;
  openMetrics(options?: Omit<MetricsOptions, 'dir' | 'store'>): Promise<Metrics>;
  /** Removes what is kept outside of the home; a home goes with its folder. */
  remove(): Promise<void>;
  /** Closes approvals, journal and connections. Idempotent. */
  close(): Promise<void>;
}
