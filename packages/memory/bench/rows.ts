export interface Row {
  readonly id: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly reach: string | null;
  readonly ok: boolean;
}

const round = (value: number): number => Number(value.toPrecision(4));

export function atMost(id: string, what: string, value: number, unit: string, limit: number): Row {
  return { id, what, value: round(value), unit, reach: `≤ ${limit}`, ok: value <= limit };
}

export function atLeast(id: string, what: string, value: number, unit: string, limit: number): Row {
  return { id, what, value: round(value), unit, reach: `≥ ${limit}`, ok: value >= limit };
}

export function info(id: string, what: string, value: number, unit: string): Row {
  return { id, what, value: round(value), unit, reach: null, ok: true };
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Milliseconds of each call. */
export async function times(count: number, work: (at: number) => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const start = performance.now();
    await work(at);
    taken.push(performance.now() - start);
  }
  return taken;
}
