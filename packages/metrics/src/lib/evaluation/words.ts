import type { KpiDefinition, KpiStatus } from '@genie/core/ports';
import { adjustmentId, describeAdjustment } from '../adjustments/adjustment.ts';
import { scoreOf } from '../dashboard.ts';
import type { Patterns } from './candidate.ts';
import type { CitedClaim, Evaluation, Finding, ProposedAdjustment } from './evaluation.ts';
import type { OutcomeRow } from './outcome-row.ts';

/** What both writers, the code and the model, start from. */
export interface EvaluationFacts {
  readonly definitions: readonly KpiDefinition[];
  readonly statuses: Readonly<Record<string, KpiStatus>>;
  readonly findings: readonly Finding[];
  readonly outcomes: readonly OutcomeRow[];
  readonly patterns: Patterns;
}

export type EvaluationWords = Pick<
  Evaluation,
  | 'goingWell'
  | 'notGoingWell'
  | 'rootCauses'
  | 'adjustments'
  | 'dropped'
  | 'writtenBy'
  | 'usage'
  | 'summary'
  | 'modelError'
>;

/** The evaluation without a model: findings as they are, causes where a pattern explains a missed KPI, candidates as proposals. */
export function writeFromFindings(facts: EvaluationFacts): EvaluationWords {
  const { findings } = facts;
  const toClaim = (finding: Finding): CitedClaim => ({
    text: finding.statement,
    evidence: [finding.id, ...finding.evidence],
  });
  const causes = findings.filter((finding) => finding.tone === 'bad' && finding.kpiId === undefined);
  return {
    goingWell: findings.filter((finding) => finding.tone === 'good').map(toClaim),
    notGoingWell: findings.filter((finding) => finding.tone === 'bad' && finding.kpiId !== undefined).map(toClaim),
    rootCauses: causes.map(toClaim),
    adjustments: candidateAdjustments(facts),
    dropped: 0,
    writtenBy: 'statistics',
    summary: summarize(facts),
  };
}

/** The changes that the patterns suggest, as proposals. */
export function candidateAdjustments({ patterns }: EvaluationFacts): ProposedAdjustment[] {
  return patterns.candidates.map((candidate) => ({
    id: adjustmentId(candidate.adjustment),
    ...candidate,
    title: describeAdjustment(candidate.adjustment),
  }));
}

export function summarize({ statuses, outcomes, findings }: EvaluationFacts): string {
  const all = Object.values(statuses);
  const score = scoreOf(all);
  const met = all.filter((status) => status === 'met').length;
  const known = all.filter((status) => status !== 'no-data').length;
  const bad = findings.filter((finding) => finding.tone === 'bad').length;
  if (score === undefined) return `No KPI has data yet; ${outcomes.length} runs in this window.`;
  return `Score ${score}: ${met} of ${known} KPIs at target after ${outcomes.length} runs, ${bad === 1 ? '1 thing' : `${bad} things`} to look at.`;
}
