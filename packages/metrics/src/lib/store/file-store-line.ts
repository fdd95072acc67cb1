import { parseJson } from '@genie/core/ports';
import { grades, isMeasurable, isTime, isWeight, type Observation } from './observation.ts';

/** An observation as stored, or undefined for a line that is none. Never throws. */
export function parseObservation(line: string): Observation | undefined {
  const value = parseLine(line) as (Partial<Observation> & { v?: unknown }) | undefined;
  if (typeof value?.id !== 'string' || typeof value.kpiId !== 'string' || typeof value.unit !== 'string')
    return undefined;
  // A line from elsewhere that no calendar or sum can hold would take the whole dashboard with it.
  if (!isTime(value.at) || !(Math.abs(value.offsetMinutes ?? Number.NaN) <= 1_440)) return undefined;
  if (value.value !== undefined && !isMeasurable(value.value)) return undefined;
  if (value.weight !== undefined && !isWeight(value.weight)) return undefined;
  if (!grades.includes(value.grade)) return undefined;
  const { v: _version, ...observation } = value;
  return observation as Observation;
}

/** A JSON object, or undefined for anything else. Never throws. */
export function parseLine(line: string): object | undefined {
  try {
    const value = parseJson(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
