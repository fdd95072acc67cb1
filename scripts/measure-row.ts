/** One measured figure. A bench or soak file returns a list of these. */
export interface Row {
  /** Stable name, `area.figure`: outside suites compare runs by it. */
  readonly id: string;
  /** What was measured, in a few words. */
  readonly what: string;
  readonly value: number;
  /** `µs`, `ms`, `MB`, `×`, `runs` … */
  readonly unit: string;
  /** What the value should reach, with its direction: `≤ 3.4`. Null where the figure only informs. */
  readonly reach: string | number | null;
  /** Whether it did. */
  readonly ok: boolean;
}

export function isRow(value: unknown): value is Row {
  if (typeof value !== 'object' || value === null) return false;
  const row = value as Partial<Record<keyof Row, unknown>>; // Every property is checked below.
  return (
    typeof row.id === 'string' &&
    typeof row.what === 'string' &&
    typeof row.value === 'number' &&
    Number.isFinite(row.value) &&
    typeof row.unit === 'string' &&
    (row.reach === null || typeof row.reach === 'string' || typeof row.reach === 'number') &&
    typeof row.ok === 'boolean'
  );
}
