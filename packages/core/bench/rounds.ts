import { setTimeout as sleep } from 'node:timers/promises';

/** Main-thread CPU time of some work, in µs a unit. Other processes on the machine do not count, other threads neither. */
export async function cpuPerUnit(units: number, work: () => Promise<void>): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / units;
}

/** Wall time of some work, in µs a unit. */
export async function wallPerUnit(units: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return ((performance.now() - startedAt) * 1000) / units;
}

export type Contenders<Name extends string> = Readonly<Record<Name, () => Promise<number>>>;
export type Rounds<Name extends string> = Readonly<Record<Name, readonly number[]>>;

/** Measures contenders in turn, round by round, so that a slow moment of the machine hits all of them. */
export async function interleave<Name extends string>(
  rounds: number,
  contenders: Contenders<Name>,
): Promise<Rounds<Name>> {
  const names = Object.keys(contenders) as Name[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (const name of names) await contenders[name]();
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) values[name].push(await contenders[name]());
    await sleep(1);
  }
  return values;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The median of the ratios of each round. */
export function ratio(numerators: readonly number[], denominators: readonly number[]): number {
  return median(numerators.map((value, index) => value / (denominators[index] ?? Number.NaN)));
}

export interface Row {
  readonly id: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly reach: string | null;
  readonly ok: boolean;
}

/** A row whose value should not exceed `limit`. */
export function atMost(id: string, what: string, value: number, unit: string, limit: number): Row {
  return { id, what, value, unit, reach: `≤ ${limit}`, ok: value <= limit };
}

export function atLeast(id: string, what: string, value: number, unit: string, limit: number): Row {
  return { id, what, value, unit, reach: `≥ ${limit}`, ok: value >= limit };
}

/** A row that only informs. */
export function info(id: string, what: string, value: number, unit: string): Row {
  return { id, what, value, unit, reach: null, ok: true };
}
