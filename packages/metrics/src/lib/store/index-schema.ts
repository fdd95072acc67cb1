import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Raise it when the tables change: an index of another version is thrown away and made again from the logs. */
const indexVersion = 3;

const tables = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE log (name TEXT PRIMARY KEY, generation INTEGER, next INTEGER, last INTEGER, hash TEXT) WITHOUT ROWID;
  CREATE TABLE series (id INTEGER PRIMARY KEY, kpi TEXT NOT NULL, unit TEXT NOT NULL, UNIQUE (kpi, unit));
  CREATE TABLE observation (position INTEGER PRIMARY KEY, hash INTEGER NOT NULL, series INTEGER NOT NULL, at INTEGER NOT NULL, run INTEGER);
  CREATE INDEX observation_hash ON observation (hash);
  CREATE INDEX observation_series ON observation (series, at);
  CREATE INDEX observation_run ON observation (run) WHERE run IS NOT NULL;
  CREATE TABLE day (
    series INTEGER, day INTEGER, count, no_data, estimated, unverified, sum, squares, weighted, weight,
    minimum, maximum, first_at, last_at, last_value, bins TEXT NOT NULL, PRIMARY KEY (series, day)
  ) WITHOUT ROWID;
  CREATE TABLE record (sequence INTEGER PRIMARY KEY, kind TEXT, id TEXT, at INTEGER, body TEXT, UNIQUE (kind, id));
  CREATE INDEX record_at ON record (kind, at);
`;

/** Opens the index. One that is damaged or of another version is deleted: the logs are the truth and it is made again from them. */
export function openIndexDatabase(file: string): DatabaseSync {
  try {
    return tryOpen(file);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    return tryOpen(file);
  }
}

function tryOpen(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    // Flushing belongs to the logs. WAL with NORMAL keeps the index itself whole, and readers beside the writer.
    database.exec(
      'PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8000',
    );
    database.exec('BEGIN IMMEDIATE');
    const version = database.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version.user_version !== indexVersion) {
      for (const name of tableNames(database)) database.exec(`DROP TABLE "${name}"`);
      database.exec(`${tables}; PRAGMA user_version = ${indexVersion}`);
    }
    database.exec('COMMIT');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function tableNames(database: DatabaseSync): string[] {
  const rows = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all();
  return rows.map((row) => String(row.name));
}

function isDamaged(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode;
  // SQLITE_CORRUPT and SQLITE_NOTADB.
  return code === 11 || code === 26;
}
