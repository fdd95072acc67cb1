import { GenieError } from '@genie/core/errors';
import type {
  DayQuery,
  DayRollup,
  DefinitionSet,
  MetricsStore,
  Observation,
  ObservationQuery,
  StoredRecord,
} from '@genie/metrics';
import type { Database } from '../database.ts';
import { guarded } from '../describe-failure.ts';
import { assertFence, type Fence } from '../lease/postgres-leases.ts';
import type { SqlSession } from '../postgres-client.ts';
import { toJsonText, toKey } from '../storable-text.ts';
import { appendObservations } from './append-observations.ts';

export interface PostgresMetricsStoreDeps {
  readonly database: Database;
  readonly genie: string;
  /** With it, writes of a holder whose turn is over are refused with `GENIE_LEASE_LOST`. */
  readonly fence?: Fence;
}

/** The measurements of one genie in the database. */
export function createPostgresMetricsStore({ database, genie, fence }: PostgresMetricsStoreDeps): MetricsStore {
  const { tables, tenant } = database;
  const owner = [tenant, genie] as const;
  let closed = false;
  const run = <Result>(what: string, work: (session: SqlSession) => Promise<Result>): Promise<Result> =>
    guarded('GENIE_METRICS_STORE', what, async () => {
      if (closed) {
        throw new GenieError('GENIE_METRICS_CLOSED', 'The metrics store is closed. Open it again with openMetrics.');
      }
      return database.transaction(work);
    });
  const write = <Result>(what: string, work: (session: SqlSession) => Promise<Result>): Promise<Result> =>
    run(what, async (session) => {
      if (fence) await assertFence(session, database, fence);
      await session.query(`INSERT INTO ${tables.metricState} (tenant, genie) VALUES ($1, $2) ON CONFLICT DO NOTHING`, [
        ...owner,
      ]);
      return work(session);
    });
  return {
    capabilities: { durable: true, compacts: true },
    loadDefinitions: () => run('read the definitions', (session) => loadDefinitions(session, database, genie)),
    saveDefinitions: (next) =>
      write('save the definitions', (session) => saveDefinitions(session, { database, genie, next })),
    append: (observations) =>
      write('append observations', (session) => appendObservations({ session, database, genie }, observations)),
    observations: (query) =>
      run('read observations', (session) => readObservations(session, { database, genie, query })),
    days: (query) => run('read the days', (session) => readDays(session, { database, genie, query })),
    put: (kind, record) =>
      write('store a record', async (session) => {
        const { rowCount } = await session.query(
          `INSERT INTO ${tables.metricRecords} (tenant, genie, kind, id, at, body) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
          [...owner, kind, toKey(record.id), record.at, toJsonText(record)],
        );
        return rowCount === 1;
      }),
    records: (kind, { id, from, limit = 1_000 } = {}) =>
      run('read records', async (session) => {
        const { rows } = await session.query(
          `SELECT body FROM (
             SELECT body, at, number FROM ${tables.metricRecords} WHERE tenant = $1 AND genie = $2 AND kind = $3
               AND ($4::text IS NULL OR id = $4) AND ($5::float8 IS NULL OR at >= $5) ORDER BY at DESC, number DESC LIMIT $6) AS newest
           ORDER BY at, number`,
          [...owner, kind, id === undefined ? null : toKey(id), from ?? null, limit],
        );
        return rows.map((row) => JSON.parse(row.body as string) as StoredRecord);
      }),
    compact: (beforeDay) =>
      write('compact', async (session) => {
        await session.query(
          `UPDATE ${tables.metricState} SET first_raw_day = greatest(first_raw_day, $3) WHERE tenant = $1 AND genie = $2`,
          [...owner, beforeDay],
        );
        const { rowCount } = await session.query(
          `DELETE FROM ${tables.observations} WHERE tenant = $1 AND genie = $2 AND day < $3`,
          [...owner, beforeDay],
        );
        const kept = await session.query(
          `SELECT count(*) AS n FROM ${tables.observations} WHERE tenant = $1 AND genie = $2`,
          [...owner],
        );
        return { rolledUp: rowCount ?? 0, kept: Number(kept.rows[0]?.n ?? 0) };
      }),
    async close() {
      closed = true;
    },
  };
}

async function loadDefinitions(
  session: SqlSession,
  { tables, tenant }: Database,
  genie: string,
): Promise<DefinitionSet> {
  const { rows } = await session.query(`SELECT body FROM ${tables.kpiDefinitions} WHERE tenant = $1 AND genie = $2`, [
    tenant,
    genie,
  ]);
  return rows[0] ? (JSON.parse(rows[0].body as string) as DefinitionSet) : { version: 0, definitions: [] };
}

interface Saving {
  readonly database: Database;
  readonly genie: string;
  readonly next: DefinitionSet;
}

async function saveDefinitions(session: SqlSession, { database, genie, next }: Saving): Promise<void> {
  const { tables, tenant } = database;
  // Held to the end of the transaction, so of two writers of one version the second sees the first.
  await session.query(`SELECT 1 FROM ${tables.metricState} WHERE tenant = $1 AND genie = $2 FOR UPDATE`, [
    tenant,
    genie,
  ]);
  const stored = (await loadDefinitions(session, database, genie)).version;
  if (next.version !== stored + 1) {
    throw new GenieError(
      'GENIE_METRICS_CONFLICT',
      `Definitions version ${next.version} cannot follow the stored version ${stored}. Load the definitions again and repeat the change.`,
      { details: { wanted: next.version, stored } },
    );
  }
  await session.query(
    `INSERT INTO ${tables.kpiDefinitions} (tenant, genie, version, body) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant, genie) DO UPDATE SET version = excluded.version, body = excluded.body`,
    [tenant, genie, next.version, toJsonText(next)],
  );
}

interface Reading<Query> {
  readonly database: Database;
  readonly genie: string;
  readonly query: Query;
}

async function readObservations(
  session: SqlSession,
  { database, genie, query }: Reading<ObservationQuery>,
): Promise<readonly Observation[]> {
  const { kpiId, runId, from, to, limit = 10_000 } = query;
  const { rows } = await session.query(
    `SELECT body FROM (
       SELECT body, at, number FROM ${database.tables.observations} WHERE tenant = $1 AND genie = $2
         AND ($3::text IS NULL OR kpi = $3) AND ($4::text IS NULL OR run_id = $4) AND ($5::float8 IS NULL OR at >= $5)
         AND ($6::float8 IS NULL OR at < $6) ORDER BY at DESC, number DESC LIMIT $7) AS newest
     ORDER BY at, number`,
    [
      database.tenant,
      genie,
      kpiId === undefined ? null : toKey(kpiId),
      runId === undefined ? null : toKey(runId),
      from ?? null,
      to ?? null,
      limit,
    ],
  );
  return rows.map((row) => JSON.parse(row.body as string) as Observation);
}

async function readDays(
  session: SqlSession,
  { database, genie, query }: Reading<DayQuery>,
): Promise<readonly DayRollup[]> {
  const { tables, tenant } = database;
  const { kpiId, fromDay, toDay, withBins = false } = query;
  const where = `WHERE tenant = $1 AND genie = $2 AND ($3::text IS NULL OR kpi = $3)
    AND ($4::int IS NULL OR day >= $4) AND ($5::int IS NULL OR day <= $5)`;
  const values = [tenant, genie, kpiId === undefined ? null : toKey(kpiId), fromDay ?? null, toDay ?? null];
  const days = await session.query(`SELECT * FROM ${tables.observationDays} ${where} ORDER BY kpi, day, unit`, values);
  const bins = new Map<string, Record<number, number>>();
  if (withBins) {
    const found = await session.query(
      `SELECT kpi, unit, day, bin, count FROM ${tables.observationBins} ${where}`,
      values,
    );
    for (const row of found.rows) {
      const key = JSON.stringify([row.kpi, row.unit, row.day]);
      const counts = bins.get(key) ?? {};
      counts[row.bin as number] = Number(row.count);
      bins.set(key, counts);
    }
  }
  return days.rows.map((row) => rowToDay(row, bins.get(JSON.stringify([row.kpi, row.unit, row.day])) ?? {}));
}

function rowToDay(row: Readonly<Record<string, unknown>>, bins: Readonly<Record<number, number>>): DayRollup {
  const number = (name: string): number => Number(row[name]);
  return {
    kpiId: JSON.parse(row.kpi_name as string) as string,
    unit: JSON.parse(row.unit_name as string) as string,
    day: number('day'),
    count: number('count'),
    noData: number('no_data'),
    estimated: number('estimated'),
    unverified: number('unverified'),
    sum: number('sum'),
    sumOfSquares: number('sum_of_squares'),
    weightedSum: number('weighted_sum'),
    weight: number('weight'),
    minimum: number('minimum'),
    maximum: number('maximum'),
    firstAt: number('first_at'),
    lastAt: number('last_at'),
    lastValue: number('last_value'),
    bins,
  };
}
