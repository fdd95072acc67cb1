/** One record on its way to the database. */
export interface PendingRecord {
  readonly genie: string;
  readonly runId: string;
  readonly seq: number;
  readonly generation: number;
  readonly body: string;
  /** What the list of runs needs, from the first and the last record of a run. */
  readonly summary?: RunSummary;
}

export type RunSummary =
  | { readonly kind: 'opened'; readonly at: number; readonly meta: string }
  | { readonly kind: 'closed'; readonly at: number; readonly closed: string };

/** The records of one run in a batch, in order. */
export interface RunPart {
  readonly genie: string;
  readonly runId: string;
  readonly generation: number;
  readonly records: readonly PendingRecord[];
}

export function partsOf(records: readonly PendingRecord[]): readonly RunPart[] {
  const parts = new Map<string, { genie: string; runId: string; generation: number; records: PendingRecord[] }>();
  for (const record of records) {
    const key = `${record.genie}\n${record.runId}\n${record.generation}`;
    const part = parts.get(key);
    if (part) part.records.push(record);
    else {
      const { genie, runId, generation } = record;
      parts.set(key, { genie, runId, generation, records: [record] });
    }
  }
  return [...parts.values()];
}
