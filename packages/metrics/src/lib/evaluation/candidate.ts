import type { Adjustment } from '../adjustments/adjustment.ts';
import type { NewFinding } from './kpi-findings.ts';

/** A change that the genie's own history suggests. */
export interface Candidate {
  readonly adjustment: Adjustment;
  readonly why: string;
  readonly expectedGain: string;
  readonly evidence: readonly string[];
  readonly kpiIds: readonly string[];
}

export interface Patterns {
  readonly findings: readonly NewFinding[];
  readonly candidates: readonly Candidate[];
}
