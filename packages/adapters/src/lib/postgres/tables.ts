/** Those of the first migration, which never changes. */
export const firstTableNames = [
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

const names = [...firstTableNames, 'working_values'] as const;

type TableName = (typeof names)[number];
type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

/** Quoted names, ready for the text of a statement: `tables.runRecords` is `"genie"."run_records"`. */
export type Tables = { readonly [Name in TableName as CamelCase<Name>]: string };

/** The tables whose rows are a genie's own, by their names in {@link Tables}. */
export const genieTableNames: readonly (keyof Tables)[] = names
  .filter((name) => name !== 'holders' && name !== 'leases')
  .map((name) => toCamelCase(name) as keyof Tables);

export function tablesOf(schema: string): Tables {
  const entries = names.map((name) => [toCamelCase(name), `"${schema}"."${name}"`]);
  return Object.freeze(Object.fromEntries(entries)) as Tables;
}

function toCamelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
}
