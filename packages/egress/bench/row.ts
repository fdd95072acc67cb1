/** One measured figure. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly reach: string;
  readonly ok: boolean;
}

/** A figure with what it has to reach at least or at most. */
export function row(id: string, what: string, value: number, unit: string, reach: number, kind: 'min' | 'max'): Row {
  const ok = kind === 'min' ? value >= reach : value <= reach;
  return {
    id,
    what,
    value: Math.round(value * 1_000) / 1_000,
    unit,
    reach: `${kind === 'min' ? '≥' : '≤'} ${reach}`,
    ok,
  };
}
