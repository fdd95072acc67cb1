import { createHash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type DayRollup, rollupOf } from './day-rollup.ts';
import type { DayQuery, ObservationQuery, RecordQuery } from './metrics-store.ts';
import type { Observation } from './observation.ts';

/** How far a log has been read into the index. */
export interface LogState {
  readonly generation: number;
  readonly next: number;
  readonly last: number;
  readonly hash: string;
}

/** Positions, day roll-ups and rows of the logs, for fast reading. Everything here can be made again from the logs. */
export class MetricsIndex {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #series = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Runs `work` under the write lock that all processes share. */
  transaction<Result>(work: () => Result): Result {
    this.#prepare('BEGIN IMMEDIATE').run();
    try {
      const result = work();
      this.#prepare('COMMIT').run();
      return result;
    } catch (error) {
      // A series made by the failed transaction is gone with it.
      this.#series.clear();
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Another process made the index anew: known series ids may be wrong. */
  forgetSeries(): void {
    this.#series.clear();
  }

  clear(): void {
    this.#series.clear();
    for (const table of ['meta', 'log', 'series', 'observation', 'day', 'record'])
      this.#database.exec(`DELETE FROM ${table}`);
  }

  getMeta(key: string): number | undefined {
    const row = this.#prepare('SELECT value FROM meta WHERE key = ?').get(key);
    return row === undefined ? undefined : Number(row.value);
  }

  setMeta(key: string, value: number): void {
    this.#prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)').run(key, value);
  }

  getLog(name: string): LogState | undefined {
    return this.#prepare('SELECT generation, next, last, hash FROM log WHERE name = ?').get(name) as
      | LogState
      | undefined;
  }

  setLog(name: string, state: LogState): void {
    const { generation, next, last, hash } = state;
    this.#prepare('INSERT OR REPLACE INTO log VALUES (?, ?, ?, ?, ?)').run(name, generation, next, last, hash);
  }

  addObservation(observation: Observation, position: number): void {
    const series = this.#seriesId(observation.kpiId, observation.unit);
    const run = observation.runId === undefined ? null : shortHash(observation.runId);
    this.#prepare('INSERT INTO observation VALUES (?, ?, ?, ?, ?)').run(
      position,
      shortHash(observation.id),
      series,
      observation.at,
      run,
    );
    this.addRollup(rollupOf(observation), series);
  }

  addRollup(one: DayRollup, series = this.#seriesId(one.kpiId, one.unit)): void {
    const bins = Object.keys(one.bins);
    const [bin] = bins;
    // A day that was rolled up before comes with many bins; single observations have one at most.
    if (bins.length > 1) this.#foldBins(series, one);
    this.#prepare(bins.length === 1 ? upsertDay : upsertDayKeepingBins).run(
      ...(bins.length === 1 ? [`$."${bin}"`] : []),
      series,
      one.day,
      one.count,
      one.noData,
      one.estimated,
      one.unverified,
      one.sum,
      one.sumOfSquares,
      one.weightedSum,
      one.weight,
      one.minimum,
      one.maximum,
      one.firstAt,
      one.lastAt,
      one.lastValue,
      JSON.stringify(one.bins),
    );
  }

  /** Adds bins to those of a day that is there already. */
  #foldBins(series: number, one: DayRollup): void {
    const row = this.#prepare('SELECT bins FROM day WHERE series = ? AND day = ?').get(series, one.day);
    if (row === undefined) return;
    const bins = JSON.parse(String(row.bins)) as Record<number, number>;
    for (const bin in one.bins) bins[bin] = (bins[bin] ?? 0) + (one.bins[bin] ?? 0);
    this.#prepare('UPDATE day SET bins = ? WHERE series = ? AND day = ?').run(JSON.stringify(bins), series, one.day);
  }

  /** Where lines with an id of this hash start. The caller compares the real ids. */
  positionsOfId(id: string): number[] {
    return this.#prepare('SELECT position FROM observation WHERE hash = ?').all(shortHash(id)).map(toPosition);
  }

  /** Newest first. With `runId` the caller compares the real ids. */
  positions(query: ObservationQuery): number[] {
    const { from = Number.MIN_SAFE_INTEGER, to = Number.MAX_SAFE_INTEGER, limit = 10_000 } = query;
    if (query.runId !== undefined) {
      const sql =
        'SELECT position FROM observation WHERE run = ? AND at >= ? AND at < ? ORDER BY at DESC, position DESC LIMIT ?';
      return this.#prepare(sql).all(shortHash(query.runId), from, to, limit).map(toPosition);
    }
    const where = query.kpiId === undefined ? '' : 'series IN (SELECT id FROM series WHERE kpi = ?) AND';
    const sql = `SELECT position FROM observation WHERE ${where} at >= ? AND at < ? ORDER BY at DESC, position DESC LIMIT ?`;
    return this.#prepare(sql)
      .all(...(query.kpiId === undefined ? [] : [query.kpiId]), from, to, limit)
      .map(toPosition);
  }

  days(query: DayQuery): DayRollup[] {
    const { kpiId, fromDay = Number.MIN_SAFE_INTEGER, toDay = Number.MAX_SAFE_INTEGER, withBins = false } = query;
    const where = `${kpiId === undefined ? '' : 'kpi = ? AND'} day BETWEEN ? AND ?`;
    const parameters = [...(kpiId === undefined ? [] : [kpiId]), fromDay, toDay];
    const columns = `kpi, unit, ${withBins ? 'bins' : "'{}'"}, ${dayColumns}`;
    const sql = `SELECT ${columns} FROM series JOIN day ON day.series = series.id WHERE ${where} ORDER BY kpi, day, unit`;
    const statement = this.#prepare(sql);
    // Arrays are read twice as fast as objects; a dashboard reads thousands of days.
    statement.setReturnArrays(true);
    return (statement.all(...parameters) as unknown as DayTuple[]).map(tupleToRollup);
  }

  putRecord(kind: string, record: { readonly id: string; readonly at: number }, body: string): boolean {
    return (
      this.#prepare('INSERT OR IGNORE INTO record (kind, id, at, body) VALUES (?, ?, ?, ?)').run(
        kind,
        record.id,
        record.at,
        body,
      ).changes === 1
    );
  }

  /** Newest first. */
  records(kind: string, query: RecordQuery): { id: string; at: number; body: string }[] {
    const { id, from = Number.MIN_SAFE_INTEGER, limit = 1000 } = query;
    const where = id === undefined ? '' : 'AND id = ?';
    const sql = `SELECT id, at, body FROM record WHERE kind = ? ${where} AND at >= ? ORDER BY at DESC, sequence DESC LIMIT ?`;
    const rows = this.#prepare(sql).all(kind, ...(id === undefined ? [] : [id]), from, limit);
    return rows as { id: string; at: number; body: string }[];
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #seriesId(kpi: string, unit: string): number {
    const key = JSON.stringify([kpi, unit]);
    const cached = this.#series.get(key);
    if (cached !== undefined) return cached;
    this.#prepare('INSERT OR IGNORE INTO series (kpi, unit) VALUES (?, ?)').run(kpi, unit);
    const row = this.#prepare('SELECT id FROM series WHERE kpi = ? AND unit = ?').get(kpi, unit);
    const id = Number(row?.id);
    this.#series.set(key, id);
    return id;
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

const dayColumns = `day, count, no_data, estimated, unverified, sum, squares, weighted, weight, minimum, maximum, first_at, last_at, last_value`;

const mergeDay = `count = count + excluded.count, no_data = no_data + excluded.no_data,
  estimated = estimated + excluded.estimated, unverified = unverified + excluded.unverified, sum = sum + excluded.sum,
  squares = squares + excluded.squares, weighted = weighted + excluded.weighted, weight = weight + excluded.weight,
  minimum = min(minimum, excluded.minimum), maximum = max(maximum, excluded.maximum), first_at = min(first_at, excluded.first_at),
  last_value = CASE WHEN excluded.last_at > last_at OR (excluded.last_at = last_at AND excluded.last_value > last_value)
    THEN excluded.last_value ELSE last_value END,
  last_at = max(last_at, excluded.last_at)`;

/** The histogram lies in the row of its day: a row for each bin would cost ten times as much to read. ?1 is the path of the one bin. */
const upsertDay = `INSERT INTO day (series, ${dayColumns}, bins) VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
  ON CONFLICT (series, day) DO UPDATE SET bins = json_set(bins, ?1, coalesce(json_extract(bins, ?1), 0) + json_extract(excluded.bins, ?1)), ${mergeDay}`;

/** Without a bin of its own, or with bins that were added before. */
const upsertDayKeepingBins = `INSERT INTO day (series, ${dayColumns}, bins) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (series, day) DO UPDATE SET ${mergeDay}`;

/** A row of `SELECT kpi, unit, bins` and {@link dayColumns}. */
type DayTuple = readonly [kpi: string, unit: string, bins: string, day: number, ...numbers: number[]];

const noBins: DayRollup['bins'] = {};

function tupleToRollup(row: DayTuple): DayRollup {
  // By place, not by destructuring: a dashboard reads thousands of days, and iterators would cost half of its time.
  const at = (place: number): number => row[place] as number;
  return {
    kpiId: row[0],
    unit: row[1],
    day: row[3],
    count: at(4),
    noData: at(5),
    estimated: at(6),
    unverified: at(7),
    sum: at(8),
    sumOfSquares: at(9),
    weightedSum: at(10),
    weight: at(11),
    minimum: at(12),
    maximum: at(13),
    firstAt: at(14),
    lastAt: at(15),
    lastValue: at(16),
    bins: row[2] === '{}' ? noBins : (JSON.parse(row[2]) as Record<number, number>),
  };
}

function toPosition(row: Record<string, unknown>): number {
  return Number(row.position);
}

/** 48 bits of SHA-256: small in the index and exact in a JavaScript number. Equal hashes are compared by their real ids. */
function shortHash(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6);
}
