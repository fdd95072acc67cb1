import { GenieError } from '@genie/core/errors';
import type { CommitSink } from './commit-sink.ts';
import type { MemoryRecord } from './record.ts';
import { type CommitReceipt, keptOperations, type PutStatus, type RecordBatch } from './record-store.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { recordColumns, recordToValues } from './sqlite-rows.ts';

const insertSql = `INSERT INTO records (${recordColumns.join(', ')}) VALUES (${recordColumns.map(() => '?').join(', ')}) ON CONFLICT (id, namespace) DO NOTHING`;
const updateSql = `UPDATE records SET ${recordColumns.map((column) => `${column} = ?`).join(', ')} WHERE id = ? AND namespace = ?`;

/** Everything in the batch or nothing. When it returns, the change is as durable as the database and the sink are. */
export function commitBatch(database: SqliteDatabase, batch: RecordBatch, sink: CommitSink | undefined): CommitReceipt {
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
    batch.fingerprintsOf !== undefined &&
    database.get('SELECT 1 AS one FROM forgotten WHERE namespace = ? LIMIT 1', namespace) !== undefined;
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
    database.run(
      `DELETE FROM operations WHERE namespace = ?1 AND id NOT IN
         (SELECT id FROM operations WHERE namespace = ?1 ORDER BY at DESC, id DESC LIMIT ?2)`,
      namespace,
      keptOperations,
    );
  }
}
