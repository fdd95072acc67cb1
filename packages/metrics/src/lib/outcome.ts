import type { Claim, KpiReading, RunRecord, RunVerdict } from '@genie/core/ports';
import type { NoDataKind } from './store/observation.ts';

/** A reading with what a verdict and a guard need to know besides. */
export type JudgedReading = KpiReading & { readonly direction: 'up' | 'down'; readonly noData?: NoDataKind };

/** What a run claimed, what the probes saw, and what it cost. */
export interface RunOutcomeReport extends RunVerdict {
  readonly readings: readonly JudgedReading[];
  readonly runId: string;
  /** End of the run, epoch ms. */
  readonly at: number;
  readonly claim: Claim;
  /** True when the run claims more than the probes saw. */
  readonly overclaimed: boolean;
  /** Change of each KPI against its reading in the run before, in the KPI's unit. */
  readonly deltas: Readonly<Record<string, number>>;
  readonly cost: RunCost;
  /** Cost of one unit of a KPI in this run; only for KPIs with a value above 0. */
  readonly costPerUnit: Readonly<Record<string, RunCost>>;
}

export interface RunCost {
  /** Undefined when the model has no price. */
  readonly usd?: number;
  readonly tokens: number;
  readonly tookMs: number;
}

/**
 * The outcome as probes see it. Only `measured` readings count: estimates and claims turn nothing green. `achieved` when all of them
 * meet their target and no probe failed, `not-achieved` when all missed, `unverified` when nothing was measured, else `partly`.
 */
export function judge(readings: readonly JudgedReading[]): RunVerdict['outcome'] {
  const measured = readings.filter((one) => one.grade === 'measured' && one.value !== undefined);
  if (measured.length === 0) return 'unverified';
  const failedProbe = readings.some((one) => one.noData === 'failed');
  if (measured.every((one) => one.status === 'met')) return failedProbe ? 'partly' : 'achieved';
  return measured.every((one) => one.status === 'missed') ? 'not-achieved' : 'partly';
}

const rank: Readonly<Record<Claim | RunVerdict['outcome'], number>> = {
  achieved: 3,
  partly: 2,
  'not-achieved': 1,
  unverified: 1,
  none: 0,
};

export function toReport(
  run: RunRecord,
  readings: readonly JudgedReading[],
  previous: ReadonlyMap<string, number>,
): RunOutcomeReport {
  const outcome = judge(readings);
  const cost = costOf(run);
  const deltas: Record<string, number> = {};
  const costPerUnit: Record<string, RunCost> = {};
  for (const { kpiId, value } of readings) {
    if (value === undefined) continue;
    const before = previous.get(kpiId);
    if (before !== undefined) deltas[kpiId] = value - before;
    if (value > 0) costPerUnit[kpiId] = divide(cost, value);
  }
  const overclaimed = rank[run.claim] > rank[outcome];
  return {
    runId: run.runId,
    at: run.endedAt,
    outcome,
    readings,
    claim: run.claim,
    overclaimed,
    deltas,
    cost,
    costPerUnit,
  };
}

export function costOf(run: RunRecord): RunCost {
  return {
    ...(run.costUsd === undefined ? {} : { usd: run.costUsd }),
    tokens: run.usage.inputTokens + run.usage.outputTokens,
    tookMs: run.endedAt - run.startedAt,
  };
}

function divide(cost: RunCost, by: number): RunCost {
  const { usd, tokens, tookMs } = cost;
  return { ...(usd === undefined ? {} : { usd: usd / by }), tokens: tokens / by, tookMs: tookMs / by };
}
