import type { AppendResult, DayRollup, Observation } from '@genie/metrics';
import { createMemoryStore } from '@genie/metrics';
import type { Database } from '../database.ts';
import type { SqlSession } from '../postgres-client.ts';
import { toJsonText, toKey } from '../storable-text.ts';

export interface Appending {
  readonly session: SqlSession;
  readonly database: Database;
  readonly genie: string;
}

const dayMs = 86_400_000;

/** Stores what is new and adds it to its days. One batch of a genie at a time. */
export async function appendObservations(
  appending: Appending,
  observations: readonly Observation[],
): Promise<readonly AppendResult[]> {
  const { session, database, genie } = appending;
  const { tables, tenant } = database;
  const state = await session.query(
    `SELECT first_raw_day FROM ${tables.metricState} WHERE tenant = $1 AND genie = $2 FOR UPDATE`,
    [tenant, genie],
  );
  const firstRawDay = (state.rows[0]?.first_raw_day as number | null) ?? Number.NEGATIVE_INFINITY;
  const keys = observations.map(({ id }) => toKey(id));
  const known = await session.query(
    `SELECT id FROM ${tables.observations} WHERE tenant = $1 AND genie = $2 AND id = ANY($3::text[])`,
    [tenant, genie, keys],
  );
  const seen = new Set(known.rows.map((row) => row.id as string));
  const fresh: Observation[] = [];
  const results = observations.map((observation, index): AppendResult => {
    const key = keys[index] as string;
    if (seen.has(key)) return 'duplicate';
    if (dayOf(observation) < firstRawDay) return 'too-late';
    seen.add(key);
    fresh.push(observation);
    return 'stored';
  });
  if (fresh.length > 0) {
    await insertObservations(appending, fresh);
    await addToDays(appending, await rollUp(fresh));
  }
  return results;
}

/** Days since 1970-01-01 on the user's calendar. */
function dayOf({ at, offsetMinutes }: Observation): number {
  const day = Math.floor((at + offsetMinutes * 60_000) / dayMs);
  if (Number.isSafeInteger(day)) return day;
  throw new RangeError(`an observation at ${at} with the offset ${offsetMinutes} lies on no day`);
}

async function insertObservations(
  { session, database, genie }: Appending,
  fresh: readonly Observation[],
): Promise<void> {
  await session.query(
    `INSERT INTO ${database.tables.observations} (tenant, genie, id, kpi, run_id, at, day, body)
     SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[], $6::float8[], $7::int[], $8::text[])`,
    [
      database.tenant,
      genie,
      fresh.map(({ id }) => toKey(id)),
      fresh.map(({ kpiId }) => toKey(kpiId)),
      fresh.map(({ runId }) => (runId === undefined ? null : toKey(runId))),
      fresh.map(({ at }) => at),
      fresh.map(dayOf),
      fresh.map(toJsonText),
    ],
  );
}

/** The days of a batch alone, by the arithmetic of the metrics package. */
async function rollUp(fresh: readonly Observation[]): Promise<readonly DayRollup[]> {
  const store = createMemoryStore();
  await store.append(fresh);
  return store.days({ withBins: true });
}

async function addToDays({ session, database, genie }: Appending, days: readonly DayRollup[]): Promise<void> {
  const { observationDays, observationBins } = database.tables;
  for (const day of days) {
    const key = [database.tenant, genie, toKey(day.kpiId), toKey(day.unit), day.day];
    await session.query(
      `INSERT INTO ${observationDays} AS d (tenant, genie, kpi, unit, day, kpi_name, unit_name, count, no_data, estimated, unverified, sum,
         sum_of_squares, weighted_sum, weight, minimum, maximum, first_at, last_at, last_value)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
       ON CONFLICT (tenant, genie, kpi, unit, day) DO UPDATE SET count = d.count + excluded.count, no_data = d.no_data + excluded.no_data,
         estimated = d.estimated + excluded.estimated, unverified = d.unverified + excluded.unverified, sum = d.sum + excluded.sum,
         sum_of_squares = d.sum_of_squares + excluded.sum_of_squares, weighted_sum = d.weighted_sum + excluded.weighted_sum,
         weight = d.weight + excluded.weight, minimum = least(d.minimum, excluded.minimum), maximum = greatest(d.maximum, excluded.maximum),
         first_at = least(d.first_at, excluded.first_at), last_at = greatest(d.last_at, excluded.last_at),
         last_value = CASE WHEN excluded.last_at > d.last_at OR (excluded.last_at = d.last_at AND excluded.last_value > d.last_value)
           THEN excluded.last_value ELSE d.last_value END`,
      [...key, toJsonText(day.kpiId), toJsonText(day.unit), ...numbersOf(day)],
    );
    const bins = Object.entries(day.bins);
    if (bins.length === 0) continue;
    await session.query(
      `INSERT INTO ${observationBins} AS b (tenant, genie, kpi, unit, day, bin, count)
       SELECT $1, $2, $3, $4, $5::int, * FROM unnest($6::int[], $7::bigint[])
       ON CONFLICT (tenant, genie, kpi, unit, day, bin) DO UPDATE SET count = b.count + excluded.count`,
      [...key, bins.map(([bin]) => Number(bin)), bins.map(([, count]) => count)],
    );
  }
}

function numbersOf(day: DayRollup): readonly number[] {
  return [
    day.count,
    day.noData,
    day.estimated,
    day.unverified,
    day.sum,
    day.sumOfSquares,
    day.weightedSum,
    day.weight,
    day.minimum,
    day.maximum,
    day.firstAt,
    day.lastAt,
    day.lastValue,
  ];
}
