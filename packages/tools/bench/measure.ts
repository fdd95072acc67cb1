/** The form every benchmark gives its figures in. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly reach: string;
  readonly ok: boolean;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function atMost(
  id: string,
  what: string,
  figure: { readonly value: number; readonly unit: string; readonly limit: number },
): Row {
  const value = Math.round(figure.value * 1000) / 1000;
  return { id, what, value, unit: figure.unit, reach: `<= ${figure.limit}`, ok: value <= figure.limit };
}

export function atLeast(
  id: string,
  what: string,
  figure: { readonly value: number; readonly unit: string; readonly limit: number },
): Row {
  const value = Math.round(figure.value * 1000) / 1000;
  return { id, what, value, unit: figure.unit, reach: `>= ${figure.limit}`, ok: value >= figure.limit };
}

/** Median time of each form in milliseconds; the forms take turns, so that what disturbs one disturbs all. */
export async function interleave<Name extends string>(
  forms: Readonly<Record<Name, () => unknown>>,
  rounds: number,
): Promise<Record<Name, number>> {
  const names = Object.keys(forms) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -Math.ceil(rounds / 10); round < rounds; round += 1) {
    for (const name of names) {
      const startedAt = performance.now();
      await forms[name]();
      if (round >= 0) times[name].push(performance.now() - startedAt);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times[name])])) as Record<Name, number>;
}
