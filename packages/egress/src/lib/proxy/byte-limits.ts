import type { Admission, Gate } from '../gate.ts';

export interface ByteLimits {
  readonly maxBytesUp: number;
  readonly maxBytesDown: number;
}

/** How much an admission may send and get: the limits of its allowlist entry, or none. */
export function byteLimitsOf(gate: Pick<Gate, 'rules'>, { entry }: Pick<Admission, 'entry'>): ByteLimits {
  return {
    maxBytesUp: (gate.rules('request-bytes') ? entry?.maxRequestBytes : undefined) ?? Number.POSITIVE_INFINITY,
    maxBytesDown: (gate.rules('response-bytes') ? entry?.maxResponseBytes : undefined) ?? Number.POSITIVE_INFINITY,
  };
}
