export type { Adjustment } from './lib/adjustments/adjustment.ts';
export { adjustmentId, describeAdjustment, parseAdjustment } from './lib/adjustments/adjustment.ts';
export type { AdoptAllowedOptions, AdoptedProposals, AdoptRequest } from './lib/adjustments/adopt-allowed.ts';
export type { Change, ChangeRow, Guard } from './lib/adjustments/change.ts';
export type { Changes } from './lib/adjustments/changes.ts';
export type { GenieSettings, SettingsTarget } from './lib/adjustments/settings.ts';
export { applyAdjustment, revertAdjustment } from './lib/adjustments/settings.ts';
export { settingsFile } from './lib/adjustments/settings-file.ts';
export type { Dashboard, DashboardKpi, DashboardOptions } from './lib/dashboard.ts';
export type { ChangeEffect, DashboardChange } from './lib/dashboard-changes.ts';
export { defaultKpis } from './lib/default-kpis.ts';
export type {
  CitedClaim,
  EvaluateOptions,
  Evaluation,
  Finding,
  ProposedAdjustment,
  WithheldProposal,
} from './lib/evaluation/evaluation.ts';
export { adjustmentAction } from './lib/evaluation/request-approvals.ts';
export type { CommandTrialOptions } from './lib/experiments/command-trial.ts';
export { commandKpis, commandTrial } from './lib/experiments/command-trial.ts';
export type {
  ExperimentBudget,
  ExperimentChange,
  ExperimentMetric,
  ExperimentProgress,
  ExperimentReport,
  ExperimentRequest,
  ExperimentRow,
  ExperimentState,
  FileEdit,
  KpiComparison,
  Recommendation,
  SandboxEvent,
  Trial,
  TrialRequest,
  TrialResult,
  Variant,
} from './lib/experiments/experiment.ts';
export { reportToMarkdown } from './lib/experiments/experiment-report.ts';
export type { ExperimentStore } from './lib/experiments/experiment-store.ts';
export { openExperimentStore } from './lib/experiments/experiment-store.ts';
export { recordingFromJournal } from './lib/experiments/journal-recording.ts';
export { localFolderSandbox } from './lib/experiments/local-sandbox-folders.ts';
export type { Experiments, ExperimentsOptions } from './lib/experiments/open-experiments.ts';
export { openExperiments } from './lib/experiments/open-experiments.ts';
export type { ProcessTrialOptions } from './lib/experiments/process-trial.ts';
export { processTrial } from './lib/experiments/process-trial.ts';
export { recordedAnswers } from './lib/experiments/recorded-answers.ts';
export type { GenerateResult, Recording, StreamPart } from './lib/experiments/recording.ts';
export { createRecording, recordModel, recordToolbox } from './lib/experiments/recording.ts';
export type { Replay, ReplayBudget, ReplayCounts } from './lib/experiments/replay.ts';
export { createReplay } from './lib/experiments/replay.ts';
export type {
  CopyProgress,
  CreateCopyRequest,
  FolderCopy,
  FolderSandbox,
  FolderSandboxCapabilities,
} from './lib/experiments/sandbox-folders.ts';
export type { SweepPolicy } from './lib/experiments/sweep-copies.ts';
export { arrangeBriefing } from './lib/feedback/arrange.ts';
export type { Feedback, StoredFeedback } from './lib/feedback/feedback.ts';
export type { Preference, Preferences } from './lib/feedback/preferences.ts';
export type { RankedItem } from './lib/feedback/rank.ts';
export { rankByPreferences } from './lib/feedback/rank.ts';
export type { OffsetAt } from './lib/local-time.ts';
export type { Metrics, ObservationInput, ObservationReceipt } from './lib/metrics.ts';
export type { MetricsOptions } from './lib/open-metrics.ts';
export { openMetrics } from './lib/open-metrics.ts';
export type { JudgedReading, RunCost, RunOutcomeReport } from './lib/outcome.ts';
export type { Probe, ProbeContext, ProbeResult } from './lib/probes/probe.ts';
export { defineProbe } from './lib/probes/probe.ts';
export type { HtmlReportOptions } from './lib/report/html.ts';
export { dashboardToHtml } from './lib/report/html.ts';
export { sparkline } from './lib/report/sparkline.ts';
export type { TerminalOptions } from './lib/report/terminal.ts';
export { dashboardToText } from './lib/report/terminal.ts';
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
export type { LoggerLike, MeterLike, TelemetryOptions } from './lib/telemetry.ts';
