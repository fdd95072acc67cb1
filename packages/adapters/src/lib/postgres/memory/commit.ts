import type { RecordBatch } from '@genie/memory';
import type { Database } from '../database.ts';
import type { SqlSession } from '../postgres-client.ts';

/** One batch on its way into the database, in its transaction. */
export interface Commit {
  readonly session: SqlSession;
  readonly database: Database;
  readonly genie: string;
  readonly batch: RecordBatch;
  /** Tenant, genie and namespace: the first three values of every statement here. */
  readonly space: readonly [string, string, string];
}
