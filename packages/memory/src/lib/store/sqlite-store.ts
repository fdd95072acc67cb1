import { GenieError } from '@genie/core/errors';
import type { CommitSink } from './commit-sink.ts';
import type { OperationRow, OutboxEntry, RecordQuery, RecordStore, RecordStoreCapabilities } from './record-store.ts';
import { commitBatch } from './sqlite-commit.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { queryToSql } from './sqlite-query.ts';
import { readChanges, readStats, readVectors } from './sqlite-reads.ts';
import { rowToRecord } from './sqlite-rows.ts';
import { verifyDatabase } from './sqlite-verify.ts';

export interface SqliteStoreOptions {
  readonly capabilities: RecordStoreCapabilities;
  readonly sink?: CommitSink;
}

/** The records of one database, for all namespaces. */
export function createSqliteStore(database: SqliteDatabase, options: SqliteStoreOptions): RecordStore {
  let closed = false;
  const open = (): SqliteDatabase => {
    if (!closed) return database;
    throw new GenieError('GENIE_MEMORY_CLOSED', 'The memory is closed. Open it again with openMemory().');
  };
  return {
    capabilities: options.capabilities,
    identity: async () => String(open().get("SELECT value FROM meta WHERE key = 'identity'")?.value),
    async commit(batch, { signal } = {}) {
      signal?.throwIfAborted();
      return commitBatch(open(), batch, options.sink);
    },
    async get(namespace, ids) {
      const found = open().all(
        'SELECT * FROM records WHERE namespace = ? AND id IN (SELECT value FROM json_each(?))',
        namespace,
        JSON.stringify(ids.map((id) => id.toWellFormed())),
      );
      const byId = new Map(found.map((row) => [row.id, rowToRecord(row)]));
      return ids.flatMap((id) => byId.get(id) ?? []);
    },
    async find(query: RecordQuery) {
      const { sql, values } = queryToSql(query);
      return open()
        .all(sql, ...values)
        .map(rowToRecord);
    },
    changes: async (namespace, revision, limit) => readChanges(open(), namespace, revision, limit),
    async revision(namespace) {
      const row = open().get(
        `SELECT max(coalesce((SELECT max(revision) FROM records WHERE namespace = ?1), 0),
                    coalesce((SELECT max(revision) FROM removals WHERE namespace = ?1), 0)) AS revision`,
        namespace,
      );
      return Number(row?.revision ?? 0);
    },
    vectors: async (namespace, model, query) => readVectors(open(), namespace, model, query ?? {}),
    async countVectors(namespace, model) {
      // Through the index that holds no vectors: counting must not read them.
      const sql = 'SELECT count(*) AS n FROM vectors INDEXED BY vectors_id WHERE namespace = ? AND model = ?';
      return Number(open().get(sql, namespace, model)?.n ?? 0);
    },
    async outbox(namespace, limit, kind) {
      const rows = open().all(
        'SELECT id, kind, payload FROM outbox WHERE namespace = ?1 AND (?2 IS NULL OR kind = ?2) ORDER BY id LIMIT ?3',
        namespace,
        kind ?? null,
        limit,
      );
      return rows.map((row) => ({ id: row.id, kind: row.kind, payload: row.payload }) as OutboxEntry);
    },
    async operations(namespace, id) {
      const rows = open().all(
        'SELECT * FROM operations WHERE namespace = ?1 AND (?2 IS NULL OR id = ?2) ORDER BY at, id',
        namespace,
        id ?? null,
      );
      return rows.map(
        (row): OperationRow => ({
          id: row.id as string,
          at: row.at as number,
          kind: row.kind as string,
          payload: row.payload as string,
          ...(row.undone_at === null ? {} : { undoneAt: row.undone_at as number }),
        }),
      );
    },
    stats: async () => readStats(open()),
    verify: async () => verifyDatabase(open()),
    async scrub() {
      if (options.sink) await options.sink.scrub();
      else scrubDatabase(open());
    },
    async close() {
      if (closed) return;
      closed = true;
      await options.sink?.close();
      database.close();
    },
  };
}

function scrubDatabase(database: SqliteDatabase): void {
  database.exec('VACUUM');
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}
