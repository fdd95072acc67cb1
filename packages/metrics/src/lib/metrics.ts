import type { Briefing, GenieEvent, JsonValue, KpiDefinition, MetricsPort, RunRecord } from '@genie/core/ports';
import type { Changes } from './adjustments/changes.ts';
import type { Dashboard, DashboardOptions } from './dashboard.ts';
import type { EvaluateOptions, Evaluation } from './evaluation/evaluation.ts';
import type { Feedback, StoredFeedback } from './feedback/feedback.ts';
import type { Preferences } from './feedback/preferences.ts';
import type { RunOutcomeReport } from './outcome.ts';
import type { Series, SeriesOptions } from './series.ts';
import type { AppendResult, CompactReport } from './store/metrics-store.ts';
import type { Grade, Observation } from './store/observation.ts';

/** An observation from outside the probes, e.g. from a tool or a server. */
export interface ObservationInput {
  readonly kpiId: string;
  /** A finite number; without one `reason` is needed and the observation is "no data". */
  readonly value?: number;
  readonly reason?: string;
  /** Epoch ms; default now. Late and out-of-order observations are fine within the raw retention. */
  readonly at?: number;
  readonly runId?: string;
  /** What was looked at. */
  readonly source: string;
  /** `measured` needs `evidence`. Default: `measured` with evidence, `unverified` without. */
  readonly grade?: Grade;
  readonly evidence?: JsonValue;
  /** The denominator behind `value`, for the aggregation `ratio`. */
  readonly weight?: number;
  /** The same key for the same KPI is stored once. */
  readonly key?: string;
}

export interface ObservationReceipt {
  readonly id: string;
  readonly status: AppendResult;
}

/**
 * KPIs of one genie. Errors by code: `GENIE_KPI_INVALID`, `GENIE_KPI_UNKNOWN`, `GENIE_OBSERVATION_INVALID`, `GENIE_FEEDBACK_INVALID`,
 * `GENIE_METRICS_STORE`, `GENIE_METRICS_FORMAT`, `GENIE_METRICS_CONFLICT`, `GENIE_METRICS_CLOSED`.
 */
export interface Metrics extends MetricsPort {
  /** The probe kinds that definitions may use. */
  readonly probeKinds: readonly string[];
  /** The stored definitions, or the default KPIs until `define` was called. */
  definitions(): Promise<readonly KpiDefinition[]>;
  /** Adds definitions or replaces those with the same id. Every call makes a new version; observations stay. */
  define(definitions: readonly KpiDefinition[]): Promise<void>;
  /** Removes definitions; their observations stay. Unknown ids are ignored. */
  retire(ids: readonly string[]): Promise<void>;
  /** Stores observations, each once. Durable when it resolves. */
  observe(input: ObservationInput | readonly ObservationInput[]): Promise<readonly ObservationReceipt[]>;
  /** Stores what the user said, measures the KPIs that ask for it, and tells memory. Returns the stored row. */
  feedback(input: Feedback): Promise<StoredFeedback>;
  /** What the user values, by source and item, for ranking the next briefing. */
  preferences(): Promise<Preferences>;
  /** The briefing in the order of what the user values, with the reason at each judged item. Never rejects: at worst it comes back as it was. */
  arrange(briefing: Briefing): Promise<Briefing>;
  /** Runs the probes for a finished run and judges it. The second call for a run returns the first verdict. */
  measure(run: RunRecord, options?: { readonly signal?: AbortSignal }): Promise<RunOutcomeReport>;
  /** Verdicts, oldest first. Default: the last 100. */
  outcomes(options?: { readonly limit?: number }): Promise<readonly RunOutcomeReport[]>;
  /** Raw observations, oldest first. */
  observations(options?: {
    readonly kpiId?: string;
    readonly runId?: string;
    readonly limit?: number;
  }): Promise<readonly Observation[]>;
  /** The evidence kept under a SHA-256; undefined when none is kept or it no longer matches. */
  evidence(hash: string): Promise<JsonValue | undefined>;
  /** One KPI over time, by day. */
  series(kpiId: string, options?: SeriesOptions): Promise<Series>;
  /** Everything a dashboard shows, as JSON. */
  dashboard(options?: DashboardOptions): Promise<Dashboard>;
  /** Reviews the recent past: statistics in code, then words by the model when there is one. */
  evaluate(options?: EvaluateOptions): Promise<Evaluation>;
  /** Why a self-evaluation is due now, or undefined. */
  evaluationDue(): Promise<'interval' | 'runs' | 'breach' | undefined>;
  /** Past self-evaluations, oldest first. */
  evaluations(options?: { readonly limit?: number }): Promise<readonly Evaluation[]>;
  /** Adopted adjustments. Throws `GENIE_METRICS_OPTIONS` unless `openMetrics` got `settings`, `approvals` and `genieId`. */
  readonly changes: Changes;
  /** Takes the genie's events: times of events become observations of `event` KPIs. Never throws. */
  onEvent(event: GenieEvent): void;
  /** Rolls raw observations older than the retention up into days. */
  compact(): Promise<CompactReport>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
