import type { RecordQuery } from '@genie/memory';
import type { Database } from '../database.ts';
import type { SqlSession } from '../postgres-client.ts';
import { toKey } from '../storable-text.ts';

export interface FindRequest {
  readonly database: Database;
  readonly keys: readonly [string, string, string];
  readonly query: RecordQuery;
}

/** The rows of a query. Values never become part of the text. */
export async function findRecords(
  session: SqlSession,
  { database, keys, query }: FindRequest,
): Promise<readonly Record<string, unknown>[]> {
  const conditions = ['tenant = $1', 'genie = $2', 'namespace = $3'];
  const values: unknown[] = [...keys];
  const add = (condition: (place: string) => string, value: unknown): void => {
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  const { tiers, kinds, status, source, subject, relation, runId, between, order, afterSeq, limit } = query;
  if (tiers) add((place) => `tier = ANY(${place}::text[])`, tiers);
  if (kinds) add((place) => `kind = ANY(${place}::text[])`, kinds.map(toKey));
  if (status) add((place) => `status = ANY(${place}::text[])`, status);
  for (const [column, text] of [
    ['source', source],
    ['subject', subject],
    ['relation', relation],
    ['run_id', runId],
  ] as const) {
    if (text !== undefined) add((place) => `${column} = ${place}`, toKey(text));
  }
  if (between) {
    add((place) => `happened_at >= ${place}`, between[0]);
    add((place) => `happened_at <= ${place}`, between[1]);
  }
  const newest = order === 'newest';
  if (afterSeq !== undefined) add((place) => `seq ${newest ? '<' : '>'} ${place}`, afterSeq);
  values.push(limit ?? null);
  const { rows } = await session.query(
    `SELECT id, seq, revision, body FROM ${database.tables.memories} WHERE ${conditions.join(' AND ')}
     ORDER BY seq ${newest ? 'DESC' : 'ASC'} LIMIT $${values.length}`,
    values,
  );
  return rows;
}
