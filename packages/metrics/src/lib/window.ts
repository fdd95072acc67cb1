import type { Cadence } from './kpi-definition.ts';

const hourMs = 3_600_000;

/** Milliseconds that a cadence spans, counted back from now; 0 for `run`, which looks at one run only. */
export function windowMs(cadence: Cadence): number {
  switch (cadence) {
    case 'run':
      return 0;
    case 'hour':
      return hourMs;
    case 'day':
      return 24 * hourMs;
    case 'week':
      return 7 * 24 * hourMs;
    case 'month':
      return 30 * 24 * hourMs;
    default:
      return cadence satisfies never;
  }
}
