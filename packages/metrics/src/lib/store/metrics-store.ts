import type { JsonObject, KpiDefinition } from '@genie/core/ports';
import type { DayRollup } from './day-rollup.ts';
import type { Observation } from './observation.ts';

/** All KPI definitions of a genie. Every change makes a new version. */
export interface DefinitionSet {
  /** 0 before the first `define`. */
  readonly version: number;
  readonly definitions: readonly KpiDefinition[];
}

export type AppendResult = 'stored' | 'duplicate' | 'too-late';

/** The logs beside the observations. One file each in the file store. */
export type RecordKind = 'evaluation' | 'outcome' | 'feedback' | 'change';

/** A row of such a log; `body` is JSON. Ids are unique in their kind. */
export interface StoredRecord {
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  readonly body: JsonObject;
}

export interface ObservationQuery {
  readonly kpiId?: string;
  readonly runId?: string;
  /** Epoch ms, inclusive; `to` is exclusive. */
  readonly from?: number;
  readonly to?: number;
  /** The newest so many. Default 10,000. */
  readonly limit?: number;
}

export interface DayQuery {
  readonly kpiId?: string;
  /** Day numbers, both inclusive. */
  readonly fromDay?: number;
  readonly toDay?: number;
  /** Histograms cost most of the reading; without this they are empty. */
  readonly withBins?: boolean;
}

export interface RecordQuery {
  readonly id?: string;
  readonly from?: number;
  /** The newest so many. Default 1,000. */
  readonly limit?: number;
}

export interface CompactReport {
  /** Raw observations that now live in day roll-ups only. */
  readonly rolledUp: number;
  readonly kept: number;
}

export interface StoreCapabilities {
  /** Content survives the process. */
  readonly durable: boolean;
  /** Raw observations can be rolled up. */
  readonly compacts: boolean;
}

/**
 * Where measurements live. Called by everything in this package; failures reject with `GENIE_METRICS_STORE`,
 * calls after `close` with `GENIE_METRICS_CLOSED`.
 */
export interface MetricsStore {
  readonly capabilities: StoreCapabilities;
  loadDefinitions(): Promise<DefinitionSet>;
  /** Replaces all definitions. Rejects with `GENIE_METRICS_CONFLICT` unless `next.version` is the stored version + 1. */
  saveDefinitions(next: DefinitionSet): Promise<void>;
  /** One result per observation, in order. The same id twice is a `duplicate`; older than everything raw is `too-late`. Durable when it resolves. */
  append(observations: readonly Observation[]): Promise<readonly AppendResult[]>;
  /** Raw observations by `at`, oldest first. */
  observations(query: ObservationQuery): Promise<readonly Observation[]>;
  /** Day roll-ups by KPI and day, of every observation ever stored. */
  days(query: DayQuery): Promise<readonly DayRollup[]>;
  /** Adds a row; false when the id exists. Durable when it resolves. */
  put(kind: RecordKind, record: StoredRecord): Promise<boolean>;
  /** Rows by `at`, oldest first; equal times in the order of writing. */
  records(kind: RecordKind, query?: RecordQuery): Promise<readonly StoredRecord[]>;
  /** Drops raw observations before that day and keeps their roll-ups. A no-op where `capabilities.compacts` is false. */
  compact(beforeDay: number): Promise<CompactReport>;
  close(): Promise<void>;
}
