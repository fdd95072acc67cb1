export type { Adjustment } from './lib/adjustments/adjustment.ts';
export { describeAdjustment, parseAdjustment } from './lib/adjustments/adjustment.ts';
export type { Dashboard, DashboardKpi, DashboardOptions } from './lib/dashboard.ts';
export { defaultKpis } from './lib/default-kpis.ts';
export type {
  CitedClaim,
  EvaluateOptions,
  Evaluation,
  Finding,
  ProposedAdjustment,
} from './lib/evaluation/evaluation.ts';
export { adjustmentAction } from './lib/evaluation/request-approvals.ts';
export type { Feedback, StoredFeedback } from './lib/feedback/feedback.ts';
export type { Preference, Preferences } from './lib/feedback/preferences.ts';
export type { Metrics, ObservationInput, ObservationReceipt } from './lib/metrics.ts';
export type { MetricsOptions } from './lib/open-metrics.ts';
export { openMetrics } from './lib/open-metrics.ts';
export type { RunCost, RunOutcomeReport } from './lib/outcome.ts';
export type { Probe, ProbeContext, ProbeResult } from './lib/probes/probe.ts';
export { defineProbe } from './lib/probes/probe.ts';
export type { Series, SeriesOptions, SeriesPoint } from './lib/series.ts';
export type { DayRollup } from './lib/store/day-rollup.ts';
export type { FileStore, FileStoreOptions } from './lib/store/file-store.ts';
export { openFileStore } from './lib/store/file-store.ts';
export { createMemoryStore } from './lib/store/memory-store.ts';
export type {
  AppendResult,
  CompactReport,
  DayQuery,
  DefinitionSet,
  MetricsStore,
  ObservationQuery,
  RecordKind,
  RecordQuery,
  StoreCapabilities,
  StoredRecord,
} from './lib/store/metrics-store.ts';
export type { Grade, NoDataKind, Observation } from './lib/store/observation.ts';
