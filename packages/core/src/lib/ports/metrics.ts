import type { JsonValue } from '../json.ts';
import type { Briefing, RunRecord } from '../run-record.ts';

export type KpiStatus = 'met' | 'warning' | 'missed' | 'no-data';

/** A probe says how a KPI is observed. Core knows only the kind; the metrics package owns the rest of the form. */
export interface KpiProbe {
  readonly kind: string;
  readonly [option: string]: JsonValue | undefined;
}

export interface KpiDefinition {
  /** Lower-case words with dashes; unique in the genie. */
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly direction: 'up' | 'down';
  readonly target: number;
  readonly warning?: number;
  readonly failure?: number;
  /** e.g. `run`, `day`, `week`. */
  readonly cadence?: string;
  readonly aggregation?: 'count' | 'sum' | 'mean' | 'percentile' | 'ratio' | 'rate' | 'yes-no';
  readonly probe: KpiProbe;
}

export interface KpiReading {
  readonly kpiId: string;
  readonly name: string;
  readonly unit: string;
  /** Undefined means no data; `reason` says why. Never a zero in disguise. */
  readonly value?: number;
  readonly target: number;
  readonly status: KpiStatus;
  readonly grade: 'measured' | 'estimated' | 'unverified';
  /** What was looked at, and its SHA-256. */
  readonly source: string;
  readonly evidenceHash?: string;
  readonly reason?: string;
}

/** The outcome as probes see it, whatever the run claims. */
export interface RunVerdict {
  readonly outcome: 'achieved' | 'partly' | 'not-achieved' | 'unverified';
  readonly readings: readonly KpiReading[];
}

/** Called by the measure phase (`measure`), by creation (`define`) and by the schedule recommender. Failures reject with a coded error. */
export interface MetricsPort {
  definitions(): Promise<readonly KpiDefinition[]>;
  /** Replaces the definition with the same id, keeps its observations. Durable when it resolves. */
  define(definitions: readonly KpiDefinition[]): Promise<void>;
  /** Called before `measure`: the briefing in the order of what the user values, nothing left out. Default: as the model wrote it. */
  arrange?(briefing: Briefing, options?: { readonly signal?: AbortSignal }): Promise<Briefing>;
  /** Runs the probes for a finished run, records the observations and judges the outcome. Idempotent by `runId`. */
  measure(run: RunRecord, options?: { readonly signal?: AbortSignal }): Promise<RunVerdict>;
  close(): Promise<void>;
}
