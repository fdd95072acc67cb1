import type { JsonObject, KpiDefinition, RunRecord } from '@genie/core/ports';
import type { Adjustment } from '../adjustments/adjustment.ts';
import type { Guard } from '../adjustments/change.ts';
import type { Effect } from '../statistics/effect.ts';

/** What an experiment tries: an adjustment of the settings, or edits of files (null deletes). */
export type ExperimentChange =
  | {
      readonly kind: 'adjustment';
      readonly proposal: { readonly id: string; readonly adjustment: Adjustment };
      /** The settings file inside the folder. Default `genie.json`. */
      readonly settingsFile?: string;
    }
  | { readonly kind: 'files'; readonly edits: readonly FileEdit[] };

export interface FileEdit {
  /** Relative to the folder; never outside of it. */
  readonly path: string;
  readonly content: string | null;
}

export type Variant = 'baseline' | 'changed';

/** One case on one copy. */
export interface TrialRequest {
  readonly experimentId: string;
  readonly variant: Variant;
  /** The isolated copy. */
  readonly folder: string;
  /** E.g. the id of a recorded run to replay. */
  readonly caseId: string;
  /** What is left of the experiment's budget. */
  readonly budget: ExperimentBudget;
  readonly signal: AbortSignal;
}

/** What a trial gave: a run to measure, or values by KPI id. Costs count against the budget. */
export interface TrialResult {
  readonly run?: RunRecord;
  readonly values?: Readonly<Record<string, number>>;
  readonly costUsd?: number;
  readonly tokens?: number;
  /** Calls answered from the recording, and calls made live. */
  readonly recordedCalls?: number;
  readonly liveCalls?: number;
}

/** Runs one case. A rejection is a failed case, not a failed experiment. */
export type Trial = (request: TrialRequest) => Promise<TrialResult>;

export interface ExperimentBudget {
  readonly usd?: number;
  readonly tokens?: number;
  readonly timeMs?: number;
}

export interface ExperimentRequest {
  readonly title: string;
  /** The home or code folder. It is copied, never changed. */
  readonly folder: string;
  readonly change: ExperimentChange;
  readonly trial: Trial;
  /** Each is tried on both copies. */
  readonly cases: readonly string[];
  readonly kpis: readonly KpiDefinition[];
  /** KPIs that should get better. Default: all. */
  readonly primary?: readonly string[];
  /** KPIs that must not get worse. Default: all, by at most 10 %. */
  readonly guards?: readonly Guard[];
  readonly budget?: ExperimentBudget;
  readonly requestedBy: 'user' | 'adjustment' | 'peer';
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ExperimentProgress) => void;
}

export interface ExperimentProgress {
  readonly state: ExperimentState;
  readonly done: number;
  readonly total: number;
  readonly bytes?: number;
}

export type ExperimentState =
  | 'copying'
  | 'running'
  | 'finished'
  | 'failed'
  | 'adopting'
  | 'adopted'
  | 'undoing'
  | 'rolled-back';

export type Recommendation = 'adopt' | 'adapt' | 'roll back';

/** How one KPI differs between the copies. */
export interface KpiComparison {
  readonly kpiId: string;
  readonly name: string;
  readonly unit: string;
  readonly direction: 'up' | 'down';
  readonly baseline?: number;
  readonly changed?: number;
  /** Undefined when fewer than two cases gave values on both copies. */
  readonly effect?: Effect;
  readonly verdict: 'better' | 'worse' | 'same' | 'unclear' | 'no-data';
}

export interface ExperimentReport {
  readonly id: string;
  readonly title: string;
  readonly requestedBy: string;
  readonly folder: string;
  readonly change: JsonObject;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly cases: number;
  readonly failed: Readonly<Record<Variant, number>>;
  readonly comparisons: readonly KpiComparison[];
  readonly recommendation: Recommendation;
  readonly why: string;
  readonly cost: {
    readonly usd: number;
    readonly tokens: number;
    readonly recordedCalls: number;
    readonly liveCalls: number;
  };
  /** Why fewer cases were tried than asked for. */
  readonly stoppedBy?: string;
  readonly copy: {
    readonly files: number;
    readonly bytes: number;
    readonly tookMs: number;
    readonly skipped: readonly string[];
  };
}

/** An experiment as its store keeps it. */
export interface ExperimentRow {
  readonly id: string;
  readonly title: string;
  readonly state: ExperimentState;
  readonly folder: string;
  readonly requestedBy: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly change: ExperimentChange;
  readonly report?: ExperimentReport;
  readonly error?: string;
}

/** One value of one case on one copy. */
export interface ExperimentMetric {
  readonly experimentId: string;
  readonly caseId: string;
  readonly variant: Variant;
  readonly kpiId: string;
  readonly value?: number;
  readonly grade: string;
  readonly reason?: string;
}

/** What happened to a copy. */
export interface SandboxEvent {
  readonly experimentId: string;
  readonly event: 'created' | 'changed' | 'removed' | 'swept' | 'abandoned';
  readonly folder: string;
  readonly bytes?: number;
  readonly at: number;
}
