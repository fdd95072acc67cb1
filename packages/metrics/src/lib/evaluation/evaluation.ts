import type { Approvals, KpiStatus, LanguageModel } from '@genie/core/ports';
import type { Adjustment } from '../adjustments/adjustment.ts';

/** Something that the statistics found, stated by code. */
export interface Finding {
  /** `F1`, `F2` …: claims cite it. */
  readonly id: string;
  readonly kind:
    | 'level'
    | 'trend'
    | 'change-point'
    | 'weekday'
    | 'hour'
    | 'out-of-control'
    | 'missing-data'
    | 'unit-change'
    | 'overclaim'
    | 'useless-source'
    | 'failing-tool'
    | 'repeated-chain'
    | 'wasted-wakes'
    | 'feedback';
  readonly kpiId?: string;
  readonly tone: 'good' | 'bad' | 'neutral';
  readonly statement: string;
  /** How it was computed. */
  readonly method: string;
  readonly numbers: Readonly<Record<string, number>>;
  /** Observations, runs or feedback rows behind it, at most 20 of them. */
  readonly evidence: readonly string[];
}

/** A sentence with the findings, observations or runs behind it. */
export interface CitedClaim {
  readonly text: string;
  readonly evidence: readonly string[];
}

export interface ProposedAdjustment {
  /** The same change has the same id in every evaluation. */
  readonly id: string;
  readonly adjustment: Adjustment;
  readonly title: string;
  readonly why: string;
  readonly evidence: readonly string[];
  /** What should get better. */
  readonly expectedGain?: string;
  readonly kpiIds: readonly string[];
  /** The approval that asks for it. */
  readonly approvalId?: string;
}

/** A proposal that the user is not asked about (again), and why. */
export interface WithheldProposal {
  readonly title: string;
  readonly reason: string;
}

/** A self-evaluation: what the numbers say, then what follows from them. */
export interface Evaluation {
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  readonly reason: string;
  readonly from: number;
  readonly to: number;
  readonly runs: number;
  /** 0 to 100, by code; undefined without data. */
  readonly score?: number;
  readonly statuses: Readonly<Record<string, KpiStatus>>;
  readonly findings: readonly Finding[];
  readonly goingWell: readonly CitedClaim[];
  readonly notGoingWell: readonly CitedClaim[];
  readonly rootCauses: readonly CitedClaim[];
  readonly adjustments: readonly ProposedAdjustment[];
  readonly withheld: readonly WithheldProposal[];
  /** Claims and proposals of the model that cited nothing real, and were dropped. */
  readonly dropped: number;
  /** `statistics`, or the model that wrote the words. */
  readonly writtenBy: string;
  /** Tokens of the model's part. */
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
  readonly summary: string;
  /** Why the model's part is missing. */
  readonly modelError?: string;
}

export interface EvaluateOptions {
  /** How far back, in ms. Default 28 days. */
  readonly windowMs?: number;
  readonly reason?: string;
  /** Writes the words; without it the statistics speak alone. Default: the model of `openMetrics`. */
  readonly model?: LanguageModel;
  /** Where proposed adjustments become approvals; without it they are only recorded. */
  readonly approvals?: Pick<Approvals, 'request'> & Partial<Pick<Approvals, 'get'>>;
  /** Needed for approvals. */
  readonly genieId?: string;
  readonly signal?: AbortSignal;
}
