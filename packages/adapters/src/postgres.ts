export type { PostgresMemoryOptions } from './lib/postgres/memory/open-postgres-memory.ts';
export type { PostgresRecordStore } from './lib/postgres/memory/record-store.ts';
export type { MigrateOptions, MigrationReport } from './lib/postgres/migrations/migrate.ts';
export { migratePostgres, migrationNames } from './lib/postgres/migrations/migrate.ts';
export type { ConnectionOptions } from './lib/postgres/open-pool.ts';
export type { Postgres, PostgresGenie, PostgresGenieOptions, PostgresOptions } from './lib/postgres/open-postgres.ts';
export { openPostgres } from './lib/postgres/open-postgres.ts';
export type {
  EmbeddedPostgres,
  PostgresClient,
  PostgresPool,
  PostgresResult,
  SqlSession,
} from './lib/postgres/postgres-client.ts';
export type { BeginWork, PostgresWake, PostgresWakes } from './lib/postgres/wakes/postgres-wakes.ts';
