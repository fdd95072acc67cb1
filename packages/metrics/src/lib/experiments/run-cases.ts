import path from 'node:path';
import { describeThrown } from '@genie/core/errors';
import type { Metrics } from '../metrics.ts';
import { openMetrics } from '../open-metrics.ts';
import type { ExperimentBudget, ExperimentMetric, ExperimentRequest, TrialResult, Variant } from './experiment.ts';

export interface CaseRun {
  readonly experimentId: string;
  readonly request: ExperimentRequest;
  readonly folders: Readonly<Record<Variant, string>>;
  /** Where the measurements of the copies go: a store of their own. */
  readonly measuredDir: string;
  readonly signal: AbortSignal;
  readonly onCase: (done: number) => void;
}

export interface CaseResults {
  readonly metrics: readonly ExperimentMetric[];
  readonly failed: Readonly<Record<Variant, number>>;
  readonly tried: number;
  readonly cost: {
    readonly usd: number;
    readonly tokens: number;
    readonly recordedCalls: number;
    readonly liveCalls: number;
  };
  readonly stoppedBy?: string;
}

/** Tries every case on both copies, one after the other, in turns which copy comes first, until the budget is spent. */
export async function runCases(run: CaseRun): Promise<CaseResults> {
  const { request, signal } = run;
  const cost = { usd: 0, tokens: 0, recordedCalls: 0, liveCalls: 0 };
  const failed = { baseline: 0, changed: 0 };
  const metrics: ExperimentMetric[] = [];
  const startedAt = performance.now();
  let tried = 0;
  let stoppedBy: string | undefined;
  const stores = { baseline: openStore(run, 'baseline'), changed: openStore(run, 'changed') };
  try {
    for (const [index, caseId] of request.cases.entries()) {
      stoppedBy = whatIsSpent(request.budget, cost, performance.now() - startedAt);
      if (stoppedBy !== undefined) break;
      const order: Variant[] = index % 2 === 0 ? ['baseline', 'changed'] : ['changed', 'baseline'];
      for (const variant of order) {
        signal.throwIfAborted();
        const budget = rest(request.budget, cost, performance.now() - startedAt);
        const found = await tryCase({ run, variant, caseId, budget, store: stores[variant] });
        signal.throwIfAborted();
        metrics.push(...found.metrics);
        failed[variant] += found.result === undefined ? 1 : 0;
        cost.usd += found.result?.costUsd ?? 0;
        cost.tokens += found.result?.tokens ?? 0;
        cost.recordedCalls += found.result?.recordedCalls ?? 0;
        cost.liveCalls += found.result?.liveCalls ?? 0;
      }
      tried += 1;
      run.onCase(tried);
    }
  } finally {
    await stores.baseline.close();
    await stores.changed.close();
  }
  return { metrics, failed, tried, cost, ...(stoppedBy === undefined ? {} : { stoppedBy }) };
}

function openStore({ measuredDir, folders, request }: CaseRun, variant: Variant): Metrics {
  return openMetrics({
    dir: path.join(measuredDir, variant),
    roots: [folders[variant]],
    fallbackKpis: request.kpis,
    durability: 'process',
  });
}

async function tryCase(input: {
  readonly run: CaseRun;
  readonly variant: Variant;
  readonly caseId: string;
  readonly budget: ExperimentBudget;
  readonly store: Metrics;
}): Promise<{ readonly metrics: ExperimentMetric[]; readonly result?: TrialResult }> {
  const { run, variant, caseId, budget, store } = input;
  const { experimentId, request, signal } = run;
  const base = { experimentId, caseId, variant };
  const limited =
    budget.timeMs === undefined
      ? signal
      : AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, Math.ceil(budget.timeMs)))]);
  try {
    const result = await request.trial({ ...base, folder: run.folders[variant], budget, signal: limited });
    return { metrics: await valuesOf(base, request, store, result), result };
  } catch (error) {
    const reason = describeThrown(error).slice(0, 500);
    return { metrics: request.kpis.map((kpi) => ({ ...base, kpiId: kpi.id, grade: 'unverified', reason })) };
  }
}

/** Values as the trial gave them, or as the KPIs' own probes see its run. */
async function valuesOf(
  base: Pick<ExperimentMetric, 'experimentId' | 'caseId' | 'variant'>,
  request: ExperimentRequest,
  store: Metrics,
  result: TrialResult,
): Promise<ExperimentMetric[]> {
  const given = result.values ?? {};
  const report = result.run === undefined ? undefined : await store.measure({ ...result.run, runId: base.caseId });
  return request.kpis.map((kpi) => {
    const value = Object.hasOwn(given, kpi.id) ? given[kpi.id] : undefined;
    if (value !== undefined && Number.isFinite(value)) return { ...base, kpiId: kpi.id, value, grade: 'measured' };
    const reading = report?.readings.find((one) => one.kpiId === kpi.id);
    const reason = reading?.reason ?? 'the trial gave no value';
    if (reading?.value === undefined) return { ...base, kpiId: kpi.id, grade: 'unverified', reason };
    return { ...base, kpiId: kpi.id, value: reading.value, grade: reading.grade };
  });
}

interface Spent {
  readonly usd: number;
  readonly tokens: number;
}

function whatIsSpent(budget: ExperimentBudget = {}, spent: Spent, tookMs: number): string | undefined {
  if (budget.usd !== undefined && spent.usd >= budget.usd) return `the budget of ${budget.usd} USD is spent`;
  if (budget.tokens !== undefined && spent.tokens >= budget.tokens)
    return `the budget of ${budget.tokens} tokens is spent`;
  if (budget.timeMs !== undefined && tookMs >= budget.timeMs) return `the budget of ${budget.timeMs} ms is spent`;
  return undefined;
}

function rest(budget: ExperimentBudget = {}, spent: Spent, tookMs: number): ExperimentBudget {
  return {
    ...(budget.usd === undefined ? {} : { usd: budget.usd - spent.usd }),
    ...(budget.tokens === undefined ? {} : { tokens: budget.tokens - spent.tokens }),
    ...(budget.timeMs === undefined ? {} : { timeMs: Math.max(0, budget.timeMs - tookMs) }),
  };
}
