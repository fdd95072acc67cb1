import { createHash } from 'node:crypto';
import { GenieError } from '@genie/core/errors';
import type { KpiDefinition } from '@genie/core/ports';
import type { Deps } from './deps.ts';
import type { ObservationInput, ObservationReceipt } from './metrics.ts';
import { type Grade, isMeasurable, type Observation } from './store/observation.ts';

/** Checks and stores observations from outside the probes. All of them or, when one is invalid, none. */
export async function recordObservations(
  deps: Deps,
  inputs: readonly ObservationInput[],
  find: (kpiId: string) => Promise<KpiDefinition>,
): Promise<readonly ObservationReceipt[]> {
  const kpis = new Map<string, KpiDefinition>();
  for (const { kpiId } of inputs) if (!kpis.has(kpiId)) kpis.set(kpiId, await find(kpiId));
  const observations = inputs.map((input) => toObservation(deps, input, kpis.get(input.kpiId) as KpiDefinition));
  const results = await deps.store.append(observations);
  return observations.map((one, index) => ({ id: one.id, status: results[index] ?? 'stored' }));
}

function toObservation(deps: Deps, input: ObservationInput, kpi: KpiDefinition): Observation {
  const now = deps.clock.now();
  const at = input.at ?? now;
  check(input, at);
  const base = {
    id: input.key === undefined ? deps.ids.next('observation') : keyedId(kpi.id, input.key),
    kpiId: kpi.id,
    unit: kpi.unit,
    at,
    offsetMinutes: deps.offsetAt(at),
    recordedAt: now,
    source: input.source,
    ...(input.runId === undefined ? {} : { runId: input.runId }),
  };
  if (input.value === undefined) return { ...base, grade: 'unverified', reason: input.reason ?? '', noData: 'failed' };
  const kept = input.evidence === undefined ? undefined : deps.evidence.keep(input.evidence);
  return {
    ...base,
    value: input.value,
    ...(input.weight === undefined ? {} : { weight: input.weight }),
    grade: gradeOf(input),
    ...(kept === undefined ? {} : { evidenceHash: kept.hash }),
    ...(kept?.location === undefined ? {} : { evidence: kept.location }),
  };
}

function check(input: ObservationInput, at: number): void {
  const { kpiId, value, weight, reason, source } = input;
  if (value === undefined && (reason === undefined || reason === '')) {
    throw invalid(kpiId, 'it has neither a value nor a reason why there is none');
  }
  if (value !== undefined && !isMeasurable(value)) {
    throw invalid(kpiId, `value is ${value}, expected a finite number up to 1e100`);
  }
  if (weight !== undefined && !(Number.isFinite(weight) && weight > 0)) {
    throw invalid(kpiId, `weight is ${weight}, expected a number above 0`);
  }
  if (!Number.isSafeInteger(at)) throw invalid(kpiId, `at is ${at}, expected epoch milliseconds`);
  if (typeof source !== 'string' || source === '') throw invalid(kpiId, 'source is missing: say what was looked at');
  if (input.grade === 'measured' && input.evidence === undefined) {
    throw invalid(kpiId, 'grade "measured" needs evidence; pass what was seen, or use grade "unverified"');
  }
}

function gradeOf({ grade, evidence }: ObservationInput): Grade {
  return grade ?? (evidence === undefined ? 'unverified' : 'measured');
}

function keyedId(kpiId: string, key: string): string {
  return `key_${createHash('sha256')
    .update(JSON.stringify([kpiId, key]))
    .digest('hex')
    .slice(0, 40)}`;
}

function invalid(kpiId: string, why: string): GenieError {
  return new GenieError('GENIE_OBSERVATION_INVALID', `Observation of "${kpiId}": ${why}.`, { details: { kpiId } });
}
