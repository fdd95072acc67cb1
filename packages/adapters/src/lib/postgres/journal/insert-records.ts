import type { Database } from '../database.ts';
import type { SqlSession } from '../postgres-client.ts';
import type { PendingRecord, RunPart } from './record-batch.ts';

/**
 * Writes the records of any number of runs by one statement. Whoever writes a run numbers its records without a gap, so a place that is taken means
 * that another holder came after: the statement fails with SQLSTATE 23505 and nothing of it is written.
 */
export async function insertRecords(
  session: SqlSession,
  { tables, tenant }: Pick<Database, 'tables' | 'tenant'>,
  records: readonly PendingRecord[],
): Promise<void> {
  await session.query(
    `INSERT INTO ${tables.runRecords} (tenant, genie, run_id, seq, generation, body)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::int[], $5::int[], $6::text[])`,
    [
      tenant,
      records.map((one) => one.genie),
      records.map((one) => one.runId),
      records.map((one) => one.seq),
      records.map((one) => one.generation),
      records.map((one) => one.body),
    ],
  );
  for (const record of records) {
    if (record.summary) await writeSummary(session, { tables, tenant }, record);
  }
}

async function writeSummary(
  session: SqlSession,
  { tables, tenant }: Pick<Database, 'tables' | 'tenant'>,
  { genie, runId, summary }: PendingRecord,
): Promise<void> {
  if (!summary) return;
  const where = 'WHERE tenant = $1 AND genie = $2 AND run_id = $3';
  if (summary.kind === 'opened') {
    await session.query(`UPDATE ${tables.runs} SET opened_at = $4, meta = $5 ${where}`, [
      tenant,
      genie,
      runId,
      summary.at,
      summary.meta,
    ]);
    return;
  }
  await session.query(`UPDATE ${tables.runs} SET closed_at = $4, closed = $5 ${where}`, [
    tenant,
    genie,
    runId,
    summary.at,
    summary.closed,
  ]);
}

/** `written`: everything is there now. `fenced`: another holder wrote behind our back; nothing more of ours is. */
export type PartOutcome = 'written' | 'fenced';

/**
 * Writes one run's part when it is not known what became of an earlier try: the connection may have broken after the commit. Records of our generation
 * are ours; one of another generation in our place means that the run was taken over.
 */
export async function insertPart(
  session: SqlSession,
  database: Pick<Database, 'tables' | 'tenant'>,
  part: RunPart,
): Promise<PartOutcome> {
  const { tables, tenant } = database;
  const first = part.records[0]?.seq ?? 0;
  const { rows } = await session.query(
    `SELECT seq, generation FROM ${tables.runRecords}
     WHERE tenant = $1 AND genie = $2 AND run_id = $3 AND seq >= $4 ORDER BY seq`,
    [tenant, part.genie, part.runId, first],
  );
  if (rows.some((row) => row.generation !== part.generation)) return 'fenced';
  const present = new Set(rows.map((row) => row.seq as number));
  const missing = part.records.filter((record) => !present.has(record.seq));
  if (missing.length > 0) await insertRecords(session, database, missing);
  return 'written';
}
