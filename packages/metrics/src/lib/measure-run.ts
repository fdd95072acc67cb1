import type { JsonObject, KpiDefinition, RunRecord } from '@genie/core/ports';
import { aggregate, daysOf, isCumulative, looksBack, weakestGrade } from './current-value.ts';
import type { Deps } from './deps.ts';
import { statusOf } from './kpi-definition.ts';
import { type JudgedReading, type RunOutcomeReport, toReport } from './outcome.ts';
import type { ProbeContext, ProbeResult } from './probes/probe.ts';
import { createRunFacts } from './run-facts.ts';
import { localDay, type Observation } from './store/observation.ts';

/** Probes of one run at a time; HTTP and SQL ones wait mostly. */
const concurrency = 8;

/**
 * Probes every KPI for a run, stores the observations, judges, and stores the verdict. Each step can be repeated: observations have ids
 * made of run and KPI, and the first stored one counts, so a crash in between changes nothing.
 */
export async function measureRun(
  deps: Deps,
  run: RunRecord,
  definitions: readonly KpiDefinition[],
  signal: AbortSignal,
): Promise<RunOutcomeReport> {
  const known = await findOutcome(deps, run.runId);
  if (known !== undefined) return known;
  const observed = await inPool(definitions, async (kpi) => {
    const result = await deps.probes.observe(kpi.probe, createContext(deps, run, kpi, signal));
    signal.throwIfAborted();
    return toObservation(deps, run, kpi, result);
  });
  await deps.store.append(observed);
  const stored = await deps.store.observations({ runId: run.runId });
  const byId = new Map(stored.map((one) => [one.id, one]));
  const readings = await inPool(definitions, (kpi, index) => {
    const fresh = observed[index] as Observation;
    return toReading(deps, run, kpi, byId.get(fresh.id) ?? fresh);
  });
  const report = toReport(run, readings, await previousValues(deps));
  const body = JSON.parse(JSON.stringify({ ...report, facts: createRunFacts(run) })) as JsonObject;
  const first = await deps.store.put('outcome', { id: run.runId, at: run.endedAt, body });
  if (first) deps.telemetry.measured(report);
  return (await findOutcome(deps, run.runId)) ?? report;
}

export async function findOutcome(deps: Deps, runId: string): Promise<RunOutcomeReport | undefined> {
  const [row] = await deps.store.records('outcome', { id: runId });
  return row?.body as RunOutcomeReport | undefined;
}

export function createContext(deps: Deps, run: RunRecord, kpi: KpiDefinition, signal: AbortSignal): ProbeContext {
  const { fetch, model } = deps;
  return {
    run,
    kpi,
    now: deps.clock.now(),
    signal,
    offsetAt: deps.offsetAt,
    roots: deps.roots,
    ...(fetch === undefined ? {} : { fetch }),
    ...(model === undefined ? {} : { model }),
    feedback: (from) => deps.feedbackSince(from),
    eventAt: (type) => deps.eventTimes.get(run.runId, type),
  };
}

/** The observation of a probe's result. Its id is made of run and KPI. */
export function toObservation(deps: Deps, run: RunRecord, kpi: KpiDefinition, result: ProbeResult): Observation {
  const base = {
    id: observationId(run.runId, kpi),
    kpiId: kpi.id,
    unit: kpi.unit,
    at: run.endedAt,
    offsetMinutes: deps.offsetAt(run.endedAt),
    recordedAt: deps.clock.now(),
    source: result.source,
    runId: run.runId,
  };
  if ('noData' in result) return { ...base, grade: 'unverified', reason: result.reason, noData: result.noData };
  const { value, weight, grade, evidence, keptAt } = result;
  const kept =
    keptAt === undefined ? deps.evidence.keep(evidence) : { hash: deps.evidence.hash(evidence), location: keptAt };
  return {
    ...base,
    value,
    ...(weight === undefined ? {} : { weight }),
    grade,
    evidenceHash: kept.hash,
    ...(kept.location === undefined ? {} : { evidence: kept.location }),
  };
}

/** A unit change makes a new series, so it is part of the id. */
export function observationId(runId: string, kpi: Pick<KpiDefinition, 'id' | 'unit'>): string {
  return `${runId}/${kpi.id}/${kpi.unit}`;
}

async function toReading(deps: Deps, run: RunRecord, kpi: KpiDefinition, one: Observation): Promise<JudgedReading> {
  const { id: kpiId, name, unit, target, direction } = kpi;
  const { source, evidenceHash } = one;
  const base = {
    kpiId,
    name,
    unit,
    target,
    direction,
    source,
    ...(evidenceHash === undefined ? {} : { evidenceHash }),
  };
  if (one.value === undefined) {
    return {
      ...base,
      status: 'no-data',
      grade: 'unverified',
      reason: one.reason ?? 'no data',
      noData: one.noData ?? 'failed',
    };
  }
  if (!looksBack(kpi.cadence)) {
    return { ...base, value: one.value, status: statusOf(kpi, one.value), grade: one.grade };
  }
  const today = localDay(run.endedAt, deps.offsetAt(run.endedAt));
  const span = daysOf(kpi.cadence);
  const all = await deps.store.days({
    kpiId,
    fromDay: today - span,
    toDay: today,
    withBins: kpi.aggregation === 'percentile',
  });
  const own = all.filter((day) => day.unit === unit);
  const window = own.filter((day) => day.day > today - span);
  const value = aggregate(kpi, window, span) ?? one.value;
  const status = statusOf(kpi, value);
  const full = own.length > window.length || (span === 1 && kpi.cadence === 'day');
  const open = isCumulative(kpi) && !full && (kpi.direction === 'up' ? status !== 'met' : status === 'met');
  if (open) {
    const reason = `the ${kpi.cadence} is not over: ${value} ${unit} so far, target ${target}`;
    return { ...base, status: 'no-data', grade: 'unverified', reason, noData: 'pending' };
  }
  return { ...base, value, status, grade: weakestGrade(window) };
}

async function previousValues(deps: Deps): Promise<ReadonlyMap<string, number>> {
  const rows = await deps.store.records('outcome', { limit: 1 });
  const before = rows[0]?.body as RunOutcomeReport | undefined;
  const readings = before?.readings ?? [];
  return new Map(readings.flatMap((one) => (one.value === undefined ? [] : [[one.kpiId, one.value] as const])));
}

async function inPool<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await work(items[index] as Item, index);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  return results;
}
