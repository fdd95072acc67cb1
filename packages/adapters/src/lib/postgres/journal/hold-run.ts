import { GenieError } from '@genie/core/errors';
import { type JournalRecord, runIsOpen } from '@genie/core/journal';
import type { Database } from '../database.ts';
import type { SqlSession } from '../postgres-client.ts';
import type { Presence } from '../presence.ts';

export interface HeldRun {
  readonly generation: number;
  /** The number of the next record. */
  readonly next: number;
  readonly recorded: readonly JournalRecord[];
}

export interface HoldRequest {
  readonly database: Database;
  readonly presence: Presence;
  readonly genie: string;
  readonly runId: string;
}

/**
 * Takes the run for this process and reads it. A run of a process that is gone is taken over: a mark takes the next number, so that a late record of the
 * former holder finds its place taken.
 */
export async function holdRun(session: SqlSession, request: HoldRequest): Promise<HeldRun> {
  const { database, presence, genie, runId } = request;
  const { tables, tenant } = database;
  const key = [tenant, genie, runId];
  const inserted = await session.query(
    `INSERT INTO ${tables.runs} (tenant, genie, run_id, generation, holder) VALUES ($1, $2, $3, 1, $4) ON CONFLICT DO NOTHING`,
    [...key, presence.holder],
  );
  if (inserted.rowCount === 1) return { generation: 1, next: 0, recorded: [] };
  const { rows } = await session.query(
    `SELECT generation, holder FROM ${tables.runs} WHERE tenant = $1 AND genie = $2 AND run_id = $3 FOR UPDATE`,
    key,
  );
  const run = rows[0];
  // It was dropped by compaction between the two statements.
  if (!run) return holdRun(session, request);
  const former = run.holder as string | null;
  if (former !== null && (await presence.isAlive(session, former))) throw runIsOpen(runId);
  const generation = (run.generation as number) + 1;
  await session.query(
    `UPDATE ${tables.runs} SET generation = $4, holder = $5 WHERE tenant = $1 AND genie = $2 AND run_id = $3`,
    [...key, generation, presence.holder],
  );
  if (former !== null) await mark(session, request, generation);
  const read = await readRecords(session, request);
  return { generation, ...read };
}

async function mark(session: SqlSession, { database, genie, runId }: HoldRequest, generation: number): Promise<void> {
  const { tables, tenant } = database;
  await session.query(
    `INSERT INTO ${tables.runRecords} (tenant, genie, run_id, seq, generation, body)
     SELECT $1, $2, $3, coalesce(max(seq), -1) + 1, $4, NULL FROM ${tables.runRecords}
     WHERE tenant = $1 AND genie = $2 AND run_id = $3`,
    [tenant, genie, runId, generation],
  );
}

/** The records of a run in order, without the marks of take-overs. Throws `GENIE_JOURNAL_DAMAGED` when one is missing in the middle. */
export async function readRecords(
  session: SqlSession,
  { database, genie, runId }: Pick<HoldRequest, 'database' | 'genie' | 'runId'>,
): Promise<{ readonly next: number; readonly recorded: readonly JournalRecord[] }> {
  const { tables, tenant } = database;
  const { rows } = await session.query(
    `SELECT seq, body FROM ${tables.runRecords} WHERE tenant = $1 AND genie = $2 AND run_id = $3 ORDER BY seq`,
    [tenant, genie, runId],
  );
  const last = rows.at(-1);
  const next = last ? (last.seq as number) + 1 : 0;
  if (next !== rows.length) {
    throw new GenieError(
      'GENIE_JOURNAL_DAMAGED',
      `Run "${runId}" has lost ${next - rows.length} records in its middle. It cannot be resumed safely; start a new run.`,
      { details: { runId } },
    );
  }
  const recorded = rows.flatMap(({ body }) => (body === null ? [] : [JSON.parse(body as string) as JournalRecord]));
  return { next, recorded };
}
