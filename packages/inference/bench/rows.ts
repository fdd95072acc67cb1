/** One measured figure; `reach` is what it should come to. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly reach: string | null;
  readonly ok: boolean;
}

export interface BenchOptions {
  readonly json: boolean;
  readonly log: (line: string) => void;
}

export function atLeast(id: string, what: string, value: number, unit: string, limit: number): Row {
  return { id, what, value: round(value), unit, reach: `≥ ${limit}`, ok: value >= limit };
}

export function atMost(id: string, what: string, value: number, unit: string, limit: number): Row {
  return { id, what, value: round(value), unit, reach: `≤ ${limit}`, ok: value <= limit };
}

export function exactly(id: string, what: string, value: number, unit: string, wanted: number): Row {
  return { id, what, value, unit, reach: `= ${wanted}`, ok: value === wanted };
}

/** A figure without a goal. */
export function noted(id: string, what: string, value: number, unit: string): Row {
  return { id, what, value: round(value), unit, reach: null, ok: true };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
