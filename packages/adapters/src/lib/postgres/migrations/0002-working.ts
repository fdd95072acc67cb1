import { rowSecurity } from './row-security.ts';

/** Working memory: small values between runs, by key. `original` is the key as JSON text, for keys that `toKey` shortened. */
export function workingTables(schema: string): readonly string[] {
  const table = `"${schema}"."working_values"`;
  const key = 'text COLLATE "C" NOT NULL';
  return [
    `CREATE TABLE ${table} (
      tenant ${key}, genie ${key}, key ${key}, original text NOT NULL, value text NOT NULL, PRIMARY KEY (tenant, genie, key))`,
    ...rowSecurity(table),
  ];
}

export function dropWorkingTables(schema: string): readonly string[] {
  return [`DROP TABLE IF EXISTS "${schema}"."working_values"`];
}
