import type { Wake, Wakes } from '@genie/core/ports';
import { parseSchedule } from '@genie/core/schedule';
import { checkGenieId, wakeIdOf } from '../../wakes/wake-id.ts';
import { type Database, pause } from '../database.ts';
import { guarded } from '../describe-failure.ts';
import type { SqlSession } from '../postgres-client.ts';
import type { HandedOver, JobQueue } from './job-queue.ts';
import { createScheduleParser, insertWakes, planWakes, readServerTime } from './plan-wakes.ts';

/** Writes the beginning of the work by statements of the transaction that accepts the wake: both happen, or neither. */
export type BeginWork = (query: SqlSession['query']) => Promise<void>;

export interface PostgresWake extends Wake {
  accept(begin?: BeginWork): Promise<boolean>;
}

export interface PostgresWakes extends Wakes {
  work(
    handler: (wake: PostgresWake) => Promise<void>,
    options?: { readonly concurrency?: number },
  ): Promise<() => Promise<void>>;
}

export interface PostgresWakesDeps {
  readonly database: Database;
  readonly holder: string;
  readonly queue: JobQueue;
  /** How often schedules are looked at. */
  readonly tickMs: number;
  readonly onError: (error: unknown) => void;
}

const closeTimeoutMs = 5_000;

/** Wakes by schedules of the database and jobs of pg-boss. */
export function createPostgresWakes(deps: PostgresWakesDeps): PostgresWakes {
  const { database, queue } = deps;
  const run = <Result>(what: string, work: (session: SqlSession) => Promise<Result>): Promise<Result> =>
    guarded('GENIE_WAKES_STORE', what, () => database.transaction(work));
  const stops = new Set<() => Promise<void>>();
  let planner: { stop(): Promise<void> } | undefined;
  return {
    async schedule(genieId, schedule) {
      checkGenieId(genieId);
      const parsed = schedule && parseSchedule(schedule);
      await run(`schedule "${genieId}"`, async (session) => {
        const { tables, tenant } = database;
        if (!parsed) {
          await session.query(`DELETE FROM ${tables.schedules} WHERE tenant = $1 AND genie = $2`, [tenant, genieId]);
          return;
        }
        const now = await readServerTime(session);
        await session.query(
          `INSERT INTO ${tables.schedules} (tenant, genie, body, next_at, decided_until) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (tenant, genie) DO UPDATE SET body = excluded.body, next_at = excluded.next_at, decided_until = excluded.decided_until
           WHERE schedules.body <> excluded.body`,
          [tenant, genieId, JSON.stringify(schedule), parsed.next(now) ?? null, now],
        );
      });
    },
    async wakeAt(genieId, dueAt) {
      checkGenieId(genieId);
      const id = wakeIdOf(genieId, dueAt);
      await run(`wake "${genieId}"`, async (session) => {
        const row = { id, genie: genieId, dueAt, action: 'asked', lateMs: 0 };
        const isNew = await insertWakes(session, database, [row]);
        if (isNew.has(id)) await queue.insert(session, [{ id, genie: genieId, dueAt }]);
      });
      return id;
    },
    async work(handler, { concurrency = 50 } = {}) {
      planner ??= startPlanner(deps);
      const end = await guarded('GENIE_WAKES_STORE', 'take wakes', () =>
        queue.work((job) => handler(wakeOf(deps, job)), concurrency),
      );
      const stop = async (): Promise<void> => {
        if (!stops.delete(stop)) return;
        await end();
        if (stops.size > 0) return;
        await planner?.stop();
        planner = undefined;
      };
      stops.add(stop);
      return stop;
    },
    async close() {
      // A handler that never ends must not keep the process: its wake goes to another server.
      await Promise.race([Promise.all([...stops].map((stop) => stop())), pause(closeTimeoutMs)]);
      await queue.close();
    },
  };
}

function wakeOf({ database, holder }: PostgresWakesDeps, { wake, attempt, signal }: HandedOver): PostgresWake {
  const { tables, tenant } = database;
  return {
    id: wake.id,
    genieId: wake.genie,
    dueAt: wake.dueAt,
    attempt,
    signal,
    accept: (begin) =>
      guarded('GENIE_WAKES_STORE', `accept the wake ${wake.id}`, () =>
        database.transaction(async (session) => {
          const { rowCount } = await session.query(
            `UPDATE ${tables.wakes} SET accepted_at = clock_timestamp(), accepted_by = $3
             WHERE tenant = $1 AND id = $2 AND accepted_at IS NULL`,
            [tenant, wake.id, holder],
          );
          if (rowCount !== 1) return false;
          await begin?.((text, values) => session.query(text, values));
          return true;
        }),
      ),
  };
}

/** Looks at the schedules of all genies; every server that works does. */
function startPlanner({ database, queue, tickMs, onError }: PostgresWakesDeps): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let working: Promise<void> = Promise.resolve();
  const parse = createScheduleParser();
  const look = async (): Promise<void> => {
    try {
      let due = 1;
      while (due > 0 && !stopped)
        due = await database.transaction((session) => planWakes({ session, database, queue, parse }));
    } catch (error) {
      onError(error);
    }
    if (!stopped) timer = setTimeout(start, tickMs);
  };
  const start = (): void => {
    working = look();
  };
  start();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
}
