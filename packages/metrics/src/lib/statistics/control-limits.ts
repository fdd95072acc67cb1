import { median } from './robust.ts';

export interface ControlLimits {
  readonly center: number;
  readonly low: number;
  readonly high: number;
  /** Positions of the values outside the limits. */
  readonly outside: readonly number[];
  readonly method: string;
}

/** 3 sigma from the median moving range of normal noise: 3 / 0.954 (Wheeler, Understanding Statistical Process Control). */
const medianRangeFactor = 3.145;

/**
 * Natural limits of a process (individuals chart, Shewhart 1931) from medians, so that the very values it should find do not widen
 * the limits. Undefined for fewer than 8 values or values without any movement.
 */
export function findControlLimits(values: readonly number[]): ControlLimits | undefined {
  if (values.length < 8) return undefined;
  const center = median(values);
  const ranges = values.slice(1).map((value, index) => Math.abs(value - (values[index] as number)));
  const half = medianRangeFactor * median(ranges);
  if (!(half > 0)) return undefined;
  const [low, high] = [center - half, center + half];
  const outside = values.flatMap((value, index) => (value < low || value > high ? [index] : []));
  return { center, low, high, outside, method: 'individuals chart, median moving range' };
}
