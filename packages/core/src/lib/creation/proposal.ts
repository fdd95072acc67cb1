import type { KpiDefinition } from '../ports/metrics.ts';

/** The parts of a proposal. Each one becomes an approval of its own and can be edited with the decision. */
export interface ProposalParts {
  /** What the genie's container should have. */
  readonly container: { readonly cpus: number; readonly memoryMb: number; readonly diskMb: number };
  readonly schedule: { readonly cron: string; readonly timezone: string; readonly misfire: 'skip' | 'once' | 'all' };
  readonly models: { readonly planning: string; readonly execution: string };
  readonly tools: readonly string[];
  /** Hosts the genie would like to reach without asking each time. */
  readonly domains: readonly string[];
  readonly kpis: readonly KpiDefinition[];
}

export interface CostEstimate {
  readonly wakesPerMonth: number;
  readonly inputTokensPerRun: number;
  readonly outputTokensPerRun: number;
  /** Undefined when the models have no price. */
  readonly usdPerRun?: number;
  readonly usdPerMonth?: number;
  /** The calculation, one line a step, so that the user can check it. */
  readonly arithmetic: readonly string[];
}

export interface Proposal extends ProposalParts {
  readonly genieId: string;
  readonly goal: string;
  readonly reason: string;
  readonly cost: CostEstimate;
  /** The approval of each part. */
  readonly approvalIds: { readonly [Part in keyof ProposalParts]: string };
}
