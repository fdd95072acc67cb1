import { GenieError } from '@genie/core/errors';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { loadPeer } from '../../load-peer.ts';
import { describeFailure } from '../describe-failure.ts';
import type { PostgresPool } from '../postgres-client.ts';
import { dropFirstTables, firstTables } from './0001-first.ts';
import { dropWorkingTables, workingTables } from './0002-working.ts';

export interface MigrateOptions {
  readonly pool: PostgresPool;
  readonly schema: string;
  /** Back or forward to the state after this migration; `none` removes every table. Default: the newest. */
  readonly to?: string;
}

export interface MigrationReport {
  /** Names, in the order they were applied or taken back. */
  readonly applied: readonly { readonly name: string; readonly direction: 'up' | 'down' }[];
}

/** Every migration in order. The name is what the database remembers: never change one that was published. */
export const migrationNames: readonly string[] = ['0001-first', '0002-working'];

/**
 * Brings the tables to a version. Several processes may start at once: one migrates, under a lock of the database, the others wait for it.
 * Everything happens in one transaction. Throws `GENIE_POSTGRES_MIGRATION`.
 */
export async function migratePostgres({ pool, schema, to }: MigrateOptions): Promise<MigrationReport> {
  const [{ Kysely, PostgresDialect, sql }, { Migrator, NO_MIGRATIONS }] = await Promise.all([
    loadPeer('kysely', '^0.29.9', () => import('kysely')),
    loadPeer('kysely', '^0.29.9', () => import('kysely/migration')),
  ]);
  type Database = Kysely<unknown>;
  const run = async (db: Database, statements: readonly string[]): Promise<void> => {
    for (const text of statements) await sql.raw(text).execute(db);
  };
  const migrations: Record<string, Migration> = {
    '0001-first': {
      up: (db) => run(db as Database, firstTables(schema)),
      down: (db) => run(db as Database, dropFirstTables(schema)),
    },
    '0002-working': {
      up: (db) => run(db as Database, workingTables(schema)),
      down: (db) => run(db as Database, dropWorkingTables(schema)),
    },
  };
  const dialect = new PostgresDialect({ pool: pool as unknown as never });
  const db = new Kysely<unknown>({ dialect });
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableSchema: schema,
    migrationTableName: 'migrations',
    migrationLockTableName: 'migrations_lock',
  });
  const target = to === undefined ? undefined : to === 'none' ? NO_MIGRATIONS : to;
  const { error, results = [] } = await retried(() =>
    target === undefined ? migrator.migrateToLatest() : migrator.migrateTo(target),
  );
  if (error !== undefined) throw failed(schema, error);
  return {
    applied: results
      .filter(({ status }) => status === 'Success')
      .map(({ migrationName, direction }) => ({
        name: migrationName,
        direction: direction === 'Up' ? 'up' : 'down',
      })),
  };
}

type Outcome = { readonly error?: unknown; readonly results?: readonly Result[] | undefined };
type Result = { readonly migrationName: string; readonly direction: string; readonly status: string };

/** Two first starts may both create the schema before either holds the lock; the loser finds it and goes on. */
async function retried(migrate: () => Promise<Outcome>): Promise<Outcome> {
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await migrate().catch((error: unknown): Outcome => ({ error }));
    const code = (outcome.error as { code?: unknown } | undefined)?.code;
    if (attempt === 5 || typeof code !== 'string' || !['23505', '42P06', '42P07', '40001'].includes(code))
      return outcome;
  }
}

function failed(schema: string, cause: unknown): GenieError {
  return new GenieError(
    'GENIE_POSTGRES_MIGRATION',
    `The tables in schema "${schema}" cannot be migrated: ${describeFailure(cause)}.`,
    { cause, details: { schema } },
  );
}
