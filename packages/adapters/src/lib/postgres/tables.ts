const names = [
  'holders',
  'runs',
  'run_records',
  'approvals',
  'grants',
  'leases',
  'memories',
  'memory_state',
  'memory_removals',
  'memory_forgotten',
  'memory_vectors',
  'memory_outbox',
  'memory_operations',
  'kpi_definitions',
  'observations',
  'observation_days',
  'observation_bins',
  'metric_records',
  'metric_state',
  'schedules',
  'wakes',
] as const;

type TableName = (typeof names)[number];
type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

/** Quoted names, ready for the text of a statement: `tables.runRecords` is `"genie"."run_records"`. */
export type Tables = { readonly [Name in TableName as CamelCase<Name>]: string };

/** Every table, for the policies that keep tenants apart. */
export const tableNames: readonly string[] = names;

export function tablesOf(schema: string): Tables {
  const entries = names.map((name) => [
    name.replaceAll(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase()),
    `"${schema}"."${name}"`,
  ]);
  return Object.freeze(Object.fromEntries(entries)) as Tables;
}
