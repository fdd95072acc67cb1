import type { RecordQuery } from './record-store.ts';
import type { SqlValue } from './sqlite-rows.ts';

/** The SQL of a query. The namespace is always the first condition; values never become part of the text. */
export function queryToSql(query: RecordQuery): { readonly sql: string; readonly values: SqlValue[] } {
  const conditions = ['namespace = ?'];
  const values: SqlValue[] = [query.namespace];
  const add = (condition: string, ...bound: SqlValue[]): void => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (query.tiers) add('tier IN (SELECT value FROM json_each(?))', JSON.stringify(query.tiers));
  // The partial index on tiers is used only when the condition is visible in the text.
  if (query.tiers && !query.tiers.includes('associative')) add("tier <> 'associative'");
  if (query.status && !query.status.includes('live')) add("status <> 'live'");
  if (query.kinds) add('kind IN (SELECT value FROM json_each(?))', JSON.stringify(query.kinds));
  if (query.status) add('status IN (SELECT value FROM json_each(?))', JSON.stringify(query.status));
  if (query.source !== undefined) add('source = ?', query.source);
  if (query.subject !== undefined) add('subject = ?', query.subject);
  if (query.relation !== undefined) add('relation = ?', query.relation);
  if (query.runId !== undefined) add('run_id = ?', query.runId);
  if (query.between) add('coalesce(event_time, recorded_at) BETWEEN ? AND ?', query.between[0], query.between[1]);
  const newest = query.order === 'newest';
  if (query.afterSeq !== undefined) add(newest ? 'seq < ?' : 'seq > ?', query.afterSeq);
  values.push(query.limit ?? -1);
  return {
    sql: `SELECT * FROM records WHERE ${conditions.join(' AND ')} ORDER BY seq ${newest ? 'DESC' : 'ASC'} LIMIT ?`,
    values,
  };
}
