import { GenieError } from '@genie/core/errors';
import type { MemoryRecord } from './record.ts';
import type {
  Changes,
  CommitReceipt,
  OperationRow,
  OutboxEntry,
  PutStatus,
  RecordBatch,
  RecordQuery,
  RecordStore,
  RecordStoreCapabilities,
  StoreStats,
  VectorQuery,
  VectorRow,
} from './record-store.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { queryToSql } from './sqlite-query.ts';
import { recordColumns, recordToValues, rowToRecord, type SqlValue } from './sqlite-rows.ts';
import { verifyDatabase } from './sqlite-verify.ts';

const insertSql = `INSERT INTO records (${recordColumns.join(', ')}) VALUES (${recordColumns.map(() => '?').join(', ')}) ON CONFLICT (id, namespace) DO NOTHING`;
const updateSql = `UPDATE records SET ${recordColumns.map((column) => `${column} = ?`).join(', ')} WHERE id = ? AND namespace = ?`;

/** Where committed bytes go besides the database itself: the encrypted log. Called before a commit is acknowledged. */
export interface CommitSink {
  begin(): void;
  /** Called inside the transaction, after all statements. Throwing undoes the commit. */
  beforeCommit(): void;
  /** Called after the commit. Must not throw for the commit's sake: it is acknowledged. */
  afterCommit(): void;
  abort(): void;
  scrub(): Promise<void>;
  close(): Promise<void>;
}

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
    async outbox(namespace, limit) {
      const rows = open().all(
        'SELECT id, kind, payload FROM outbox WHERE namespace = ? ORDER BY id LIMIT ?',
        namespace,
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

function commitBatch(database: SqliteDatabase, batch: RecordBatch, sink: CommitSink | undefined): CommitReceipt {
  sink?.begin();
  let receipt: CommitReceipt;
  try {
    receipt = database.transaction(() => {
      const applied = applyBatch(database, batch);
      sink?.beforeCommit();
      return applied;
    });
  } catch (error) {
    sink?.abort();
    throw error;
  }
  sink?.afterCommit();
  return receipt;
}

function applyBatch(database: SqliteDatabase, batch: RecordBatch): CommitReceipt {
  const { namespace } = batch;
  checkExpectations(database, batch);
  let revision = nextRevision(database);
  for (const fingerprint of batch.allow ?? []) {
    database.run('DELETE FROM forgotten WHERE namespace = ? AND fingerprint = ?', namespace, fingerprint);
  }
  const removed = removeRecords(database, batch, revision);
  for (const fingerprint of batch.forget ?? []) {
    database.run('INSERT OR IGNORE INTO forgotten (namespace, fingerprint) VALUES (?, ?)', namespace, fingerprint);
  }
  const hasForgotten =
    batch.fingerprintsOf !== undefined && database.get('SELECT 1 AS one FROM forgotten LIMIT 1') !== undefined;
  const results = (batch.put ?? []).map((record) => {
    revision += 1;
    const fingerprints = hasForgotten ? (batch.fingerprintsOf?.(record) ?? []) : [];
    return putRecord(
      database,
      record.namespace === namespace ? record : { ...record, namespace },
      revision,
      fingerprints,
    );
  });
  writeSides(database, batch, results);
  database.run("INSERT OR REPLACE INTO meta (key, value) VALUES ('revision', ?)", String(revision));
  return { revision, results, removed };
}

function checkExpectations(database: SqliteDatabase, batch: RecordBatch): void {
  for (const { id, revision } of batch.expect ?? []) {
    const row = database.get('SELECT revision FROM records WHERE id = ? AND namespace = ?', id, batch.namespace);
    if (Number(row?.revision ?? 0) !== revision) {
      throw new GenieError(
        'GENIE_MEMORY_CONFLICT',
        `Memory ${JSON.stringify(id)} was changed meanwhile (expected revision ${revision}, found ${row?.revision ?? 'none'}). Read it again and repeat.`,
        { details: { id, expected: revision, found: Number(row?.revision ?? 0) } },
      );
    }
  }
}

function nextRevision(database: SqliteDatabase): number {
  return Number(database.get("SELECT value FROM meta WHERE key = 'revision'")?.value ?? 0) + 1;
}

function removeRecords(database: SqliteDatabase, batch: RecordBatch, revision: number): number {
  let removed = 0;
  for (const id of batch.remove ?? []) {
    removed += database.run('DELETE FROM records WHERE id = ? AND namespace = ?', id, batch.namespace).changes;
    database.run('DELETE FROM vectors WHERE namespace = ? AND id = ?', batch.namespace, id);
    database.run(
      "DELETE FROM outbox WHERE namespace = ? AND kind = 'embed' AND id = ?",
      batch.namespace,
      `embed:${id}`,
    );
    database.run(
      'INSERT OR IGNORE INTO removals (namespace, revision, id) VALUES (?, ?, ?)',
      batch.namespace,
      revision,
      id,
    );
  }
  return removed;
}

function putRecord(
  database: SqliteDatabase,
  record: MemoryRecord,
  revision: number,
  fingerprints: readonly string[],
): { id: string; status: PutStatus } {
  for (const fingerprint of fingerprints) {
    const banned = database.get(
      'SELECT 1 AS one FROM forgotten WHERE namespace = ? AND fingerprint = ?',
      record.namespace,
      fingerprint,
    );
    if (banned) return { id: record.id, status: 'forgotten' };
  }
  if (record.idempotencyKey !== undefined) {
    const row = database.get(
      'SELECT id FROM records WHERE namespace = ? AND idempotency_key = ?',
      record.namespace,
      record.idempotencyKey,
    );
    if (row && row.id !== record.id) return { id: row.id as string, status: 'duplicate' };
  }
  const values = recordToValues(record, revision);
  if (database.run(insertSql, ...values).changes > 0) return { id: record.id, status: 'stored' };
  database.run(updateSql, ...values, record.id, record.namespace);
  return { id: record.id, status: 'replaced' };
}

function writeSides(database: SqliteDatabase, batch: RecordBatch, results: CommitReceipt['results']): void {
  const { namespace } = batch;
  const refused = new Set(
    results.filter((one) => one.status === 'forgotten' || one.status === 'duplicate').map((one) => `embed:${one.id}`),
  );
  for (const id of batch.dequeue ?? [])
    database.run('DELETE FROM outbox WHERE namespace = ? AND id = ?', namespace, id);
  for (const entry of batch.enqueue ?? []) {
    if (refused.has(entry.id)) continue;
    database.run(
      'INSERT OR REPLACE INTO outbox (namespace, id, kind, payload) VALUES (?, ?, ?, ?)',
      namespace,
      entry.id,
      entry.kind,
      entry.payload,
    );
  }
  for (const row of batch.vectors ?? []) {
    // A vector without its record would be a leak, so a record that went away meanwhile takes its vector with it.
    database.run(
      `INSERT OR REPLACE INTO vectors (namespace, model, id, dimension, vector)
       SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM records WHERE id = ?3 AND namespace = ?1)`,
      namespace,
      row.model,
      row.id,
      row.vector.length,
      new Uint8Array(row.vector.buffer, row.vector.byteOffset, row.vector.byteLength),
    );
  }
  if (batch.operation) {
    const { id, at, kind, payload, undoneAt } = batch.operation;
    database.run(
      'INSERT OR REPLACE INTO operations (namespace, id, at, kind, payload, undone_at) VALUES (?, ?, ?, ?, ?, ?)',
      namespace,
      id,
      at,
      kind,
      payload,
      undoneAt ?? null,
    );
  }
}

function readChanges(database: SqliteDatabase, namespace: string, revision: number, limit: number): Changes {
  const rows = database.all(
    'SELECT * FROM records WHERE namespace = ? AND revision > ? ORDER BY revision LIMIT ?',
    namespace,
    revision,
    limit,
  );
  const records = rows.map(rowToRecord);
  const upTo = records.length === limit ? (records.at(-1)?.revision ?? revision) : Number.MAX_SAFE_INTEGER;
  const removed = database.all(
    'SELECT id, revision FROM removals WHERE namespace = ? AND revision > ? AND revision <= ?',
    namespace,
    revision,
    upTo,
  );
  const last = Math.max(
    revision,
    records.at(-1)?.revision ?? 0,
    ...removed.map((row) => row.revision as number).slice(-1),
  );
  return {
    records,
    removed: removed.map((row) => row.id as string),
    revision: upTo === Number.MAX_SAFE_INTEGER ? last : upTo,
  };
}

function readVectors(database: SqliteDatabase, namespace: string, model: string, query: VectorQuery): VectorRow[] {
  const values: SqlValue[] = [namespace, model];
  let sql = 'SELECT id, vector FROM vectors WHERE namespace = ? AND model = ?';
  if (query.ids) {
    sql += ' AND id IN (SELECT value FROM json_each(?))';
    values.push(JSON.stringify(query.ids));
  }
  if (query.afterId !== undefined) {
    sql += ' AND id > ?';
    values.push(query.afterId);
  }
  sql += ' ORDER BY id LIMIT ?';
  values.push(query.limit ?? -1);
  return database.all(sql, ...values).map((row) => {
    const bytes = row.vector as Uint8Array;
    return { id: row.id as string, model, vector: new Float32Array(bytes.slice().buffer) };
  });
}

function readStats(database: SqliteDatabase): StoreStats {
  const count = (sql: string): number => Number(database.get(sql)?.n ?? 0);
  return {
    revision: nextRevision(database) - 1,
    records: count('SELECT count(*) AS n FROM records'),
    live: count("SELECT count(*) AS n FROM records WHERE status = 'live'"),
    vectors: count('SELECT count(*) AS n FROM vectors'),
    outbox: count('SELECT count(*) AS n FROM outbox'),
    forgotten: count('SELECT count(*) AS n FROM forgotten'),
    sizeBytes: count('SELECT page_count * page_size AS n FROM pragma_page_count(), pragma_page_size()'),
    namespaces: database
      .all('SELECT DISTINCT namespace FROM records ORDER BY namespace')
      .map((row) => row.namespace as string),
  };
}
