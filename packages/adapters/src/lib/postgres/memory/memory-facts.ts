import type { MemoryRecord, StoreStats } from '@genie/memory';
import type { Database } from '../database.ts';
import type { SqlSession } from '../postgres-client.ts';
import { toKey } from '../storable-text.ts';

export async function readStats(session: SqlSession, { tables, tenant }: Database, genie: string): Promise<StoreStats> {
  const owner = [tenant, genie];
  const where = 'WHERE tenant = $1 AND genie = $2';
  const { rows } = await session.query(
    `SELECT (SELECT revision FROM ${tables.memoryState} ${where}) AS revision,
       (SELECT count(*) FROM ${tables.memories} ${where}) AS records,
       (SELECT count(*) FROM ${tables.memories} ${where} AND status = 'live') AS live,
       (SELECT count(*) FROM ${tables.memoryVectors} ${where}) AS vectors,
       (SELECT count(*) FROM ${tables.memoryOutbox} ${where}) AS outbox,
       (SELECT count(*) FROM ${tables.memoryForgotten} ${where}) AS forgotten,
       coalesce((SELECT sum(length(body)) FROM ${tables.memories} ${where}), 0)
         + coalesce((SELECT sum(length(vector)) FROM ${tables.memoryVectors} ${where}), 0) AS size`,
    owner,
  );
  const namespaces = await session.query(
    `SELECT DISTINCT ON (namespace) namespace, body FROM ${tables.memories} ${where} ORDER BY namespace`,
    owner,
  );
  const [row] = rows;
  const number = (name: string): number => Number(row?.[name] ?? 0);
  return {
    revision: number('revision'),
    records: number('records'),
    live: number('live'),
    vectors: number('vectors'),
    outbox: number('outbox'),
    forgotten: number('forgotten'),
    sizeBytes: number('size'),
    namespaces: namespaces.rows.map(({ body }) => (JSON.parse(body as string) as MemoryRecord).namespace),
  };
}

/** What cannot be true of a sound memory: bodies that are no records, columns that contradict them, vectors without a record. */
export async function verifyMemory(
  session: SqlSession,
  { tables, tenant }: Database,
  genie: string,
): Promise<string[]> {
  const problems: string[] = [];
  const owner = [tenant, genie];
  const { rows } = await session.query(
    `SELECT id, namespace, body FROM ${tables.memories} WHERE tenant = $1 AND genie = $2`,
    owner,
  );
  for (const row of rows) {
    try {
      const record = JSON.parse(row.body as string) as MemoryRecord;
      if (toKey(record.id) !== row.id || toKey(record.namespace) !== row.namespace)
        problems.push(`record ${String(row.id)} holds the body of another`);
    } catch {
      problems.push(`record ${String(row.id)} cannot be read`);
    }
  }
  const orphans = await session.query(
    `SELECT count(*) AS n FROM ${tables.memoryVectors} v WHERE tenant = $1 AND genie = $2 AND NOT EXISTS (
       SELECT 1 FROM ${tables.memories} m
       WHERE m.tenant = v.tenant AND m.genie = v.genie AND m.namespace = v.namespace AND m.id = v.id)`,
    owner,
  );
  const count = Number(orphans.rows[0]?.n ?? 0);
  if (count > 0) problems.push(`${count} vectors have no record`);
  return problems;
}
