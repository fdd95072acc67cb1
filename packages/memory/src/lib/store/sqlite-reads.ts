import type { Changes, StoreStats, VectorQuery, VectorRow } from './record-store.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { rowToRecord, type SqlValue } from './sqlite-rows.ts';

export function readChanges(database: SqliteDatabase, namespace: string, revision: number, limit: number): Changes {
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

export function readVectors(
  database: SqliteDatabase,
  namespace: string,
  model: string,
  query: VectorQuery,
): VectorRow[] {
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

export function readStats(database: SqliteDatabase): StoreStats {
  const count = (sql: string): number => Number(database.get(sql)?.n ?? 0);
  return {
    revision: Number(database.get("SELECT value FROM meta WHERE key = 'revision'")?.value ?? 0),
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
