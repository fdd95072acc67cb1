import { createHash } from 'node:crypto';
import { describeThrown, GenieError } from '@genie/core/errors';
import type { KpiDefinition } from '@genie/core/ports';
import type { Deps } from './deps.ts';
import type { ObservationInput, ObservationReceipt } from './metrics.ts';
import { type Grade, grades, isMeasurable, isTime, isWeight, type Observation } from './store/observation.ts';

/** UTF-16 units of a source, a reason, a key or the id of a run. */
const maxTextLength = 8_000;

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
  const kept = keepEvidence(deps, input);
  return {
    ...base,
    value: input.value,
    ...(input.weight === undefined ? {} : { weight: input.weight }),
    grade: gradeOf(input),
    ...(kept === undefined ? {} : { evidenceHash: kept.hash }),
    ...(kept?.location === undefined ? {} : { evidence: kept.location }),
  };
}

function keepEvidence({ evidence: store }: Deps, { kpiId, evidence }: ObservationInput) {
  if (evidence === undefined) return undefined;
  try {
    // What JSON cannot hold, circles among it, shows here.
    JSON.stringify(evidence);
  } catch (error) {
    throw invalid(kpiId, `its evidence is no JSON (${describeThrown(error)})`);
  }
  return store.keep(evidence);
}

function check(input: ObservationInput, at: number): void {
  const { kpiId, value, weight, reason, source } = input;
  if (value === undefined && (reason === undefined || reason === '')) {
    throw invalid(kpiId, 'it has neither a value nor a reason why there is none');
  }
  if (value !== undefined && !isMeasurable(value)) {
    throw invalid(kpiId, `value is ${shown(value)}, expected a finite number up to 1e100`);
  }
  if (weight !== undefined && !isWeight(weight)) {
    throw invalid(kpiId, `weight is ${shown(weight)}, expected a number above 0`);
  }
  if (!isTime(at)) throw invalid(kpiId, `at is ${shown(at)}, expected epoch milliseconds`);
  if (input.grade !== undefined && !grades.includes(input.grade)) {
    throw invalid(kpiId, `grade is ${shown(input.grade)}, expected measured, estimated or unverified`);
  }
  for (const [name, text] of Object.entries({ source, reason, runId: input.runId, key: input.key })) {
    if (text !== undefined && !(typeof text === 'string' && text.length <= maxTextLength))
      throw invalid(kpiId, `${name} is ${shown(text)}, expected a text of at most ${maxTextLength} characters`);
  }
  if (typeof source !== 'string' || source === '') throw invalid(kpiId, 'source is missing: say what was looked at');
  if (input.grade === 'measured' && input.evidence === undefined) {
    throw invalid(kpiId, 'grade "measured" needs evidence; pass what was seen, or use grade "unverified"');
  }
}

function shown(value: unknown): string {
  return String(typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : value);
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
