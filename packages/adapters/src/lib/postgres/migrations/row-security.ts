/** Statements that show a table's rows to their tenant only. FORCE: its owner is kept to it as well. A superuser never is. */
export function rowSecurity(table: string): readonly string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY own_tenant ON ${table} USING (tenant = current_setting('genie.tenant', true))
       WITH CHECK (tenant = current_setting('genie.tenant', true))`,
  ];
}
