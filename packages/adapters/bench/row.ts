/** One measured figure. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly reach: string | null;
  readonly ok: boolean;
}
