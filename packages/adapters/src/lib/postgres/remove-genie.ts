import type { Database } from './database.ts';
import { guarded } from './describe-failure.ts';
import { genieTableNames } from './tables.ts';

/** Removes every row of a genie of this tenant, in one transaction. Rejects with `GENIE_MEMORY_STORE`. */
export function removeGenie(database: Database, genie: string): Promise<void> {
  return guarded('GENIE_MEMORY_STORE', 'remove the genie', () =>
    database.transaction(async (session) => {
      for (const name of genieTableNames)
        await session.query(`DELETE FROM ${database.tables[name]} WHERE tenant = $1 AND genie = $2`, [
          database.tenant,
          genie,
        ]);
    }),
  );
}
