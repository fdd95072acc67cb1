import type { WakeSchedule } from '@genie/core/ports';
import { parseSchedule, type Schedule } from '@genie/core/schedule';
import { decideDue } from '../../wakes/decide-due.ts';
import { wakeIdOf } from '../../wakes/wake-id.ts';
import type { Database } from '../database.ts';
import type { SqlSession } from '../postgres-client.ts';
import type { JobQueue, WakeJob } from './job-queue.ts';

export interface Planning {
  readonly session: SqlSession;
  readonly database: Database;
  readonly queue: JobQueue;
  readonly parse: ScheduleParser;
}

export type ScheduleParser = (body: string) => Schedule;

const batchSize = 200;
const maxParsed = 2_000;

/** Genies that wake at the same time share one parsed schedule. */
export function createScheduleParser(): ScheduleParser {
  const parsed = new Map<string, Schedule>();
  return (body) => {
    const known = parsed.get(body);
    if (known) return known;
    if (parsed.size >= maxParsed) parsed.clear();
    const schedule = parseSchedule(JSON.parse(body) as WakeSchedule);
    parsed.set(body, schedule);
    return schedule;
  };
}

/** Epoch ms by the clock of the server: the clocks of the machines may be wrong. */
export async function readServerTime(session: SqlSession): Promise<number> {
  const { rows } = await session.query('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now');
  return rows[0]?.now as number;
}

/**
 * Turns schedules that are due into wakes, at most a batch. The schedule's next moment, the wake's row and its job change in one transaction, and another
 * server steps over the rows that are taken, so each moment becomes one wake. Returns how many schedules were due.
 */
export async function planWakes({ session, database, queue, parse }: Planning): Promise<number> {
  const { tables, tenant } = database;
  const now = await readServerTime(session);
  const { rows } = await session.query(
    `SELECT genie, body, decided_until FROM ${tables.schedules} WHERE tenant = $1 AND next_at <= $2
     ORDER BY next_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED`,
    [tenant, now],
  );
  if (rows.length === 0) return 0;
  const planned = rows.map((row) => {
    const schedule = parse(row.body as string);
    const decisions = decideDue(schedule, row.decided_until as number, now);
    return { genie: row.genie as string, decisions, nextAt: schedule.next(now) ?? null };
  });
  const wakes = planned.flatMap(({ genie, decisions }) =>
    decisions.map((decision) => ({ ...decision, genie, id: wakeIdOf(genie, decision.dueAt) })),
  );
  const isNew = await insertWakes(session, database, wakes);
  const jobs = wakes
    .filter(({ id, action }) => action !== 'skipped' && isNew.has(id))
    .map(({ id, genie, dueAt }): WakeJob => ({ id, genie, dueAt }));
  if (jobs.length > 0) await queue.insert(session, jobs);
  await session.query(
    `UPDATE ${tables.schedules} s SET next_at = p.next_at, decided_until = $2
     FROM unnest($3::text[], $4::float8[]) AS p (genie, next_at) WHERE s.tenant = $1 AND s.genie = p.genie`,
    [tenant, now, planned.map(({ genie }) => genie), planned.map(({ nextAt }) => nextAt)],
  );
  return rows.length;
}

export interface WakeRow {
  readonly id: string;
  readonly genie: string;
  readonly dueAt: number;
  readonly action: string;
  readonly lateMs: number;
}

/** Returns the ids that were not there before. */
export async function insertWakes(
  session: SqlSession,
  { tables, tenant }: Database,
  wakes: readonly WakeRow[],
): Promise<ReadonlySet<string>> {
  const { rows } = await session.query(
    `INSERT INTO ${tables.wakes} (tenant, id, genie, due_at, action, late_ms)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::float8[], $5::text[], $6::float8[]) ON CONFLICT DO NOTHING RETURNING id`,
    [
      tenant,
      wakes.map(({ id }) => id),
      wakes.map(({ genie }) => genie),
      wakes.map(({ dueAt }) => dueAt),
      wakes.map(({ action }) => action),
      wakes.map(({ lateMs }) => lateMs),
    ],
  );
  return new Set(rows.map((row) => row.id as string));
}
