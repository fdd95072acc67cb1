import { parseJson } from '@genie/core/ports';
import type { Observation } from './observation.ts';

/** An observation as stored, or undefined for a line that is none. Never throws. */
export function parseObservation(line: string): Observation | undefined {
  const value = parseLine(line) as (Partial<Observation> & { v?: unknown }) | undefined;
  if (typeof value?.id !== 'string' || typeof value.kpiId !== 'string' || typeof value.unit !== 'string')
    return undefined;
  if (!Number.isFinite(value.at) || !Number.isFinite(value.offsetMinutes)) return undefined;
  if (value.value !== undefined && !Number.isFinite(value.value)) return undefined;
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
