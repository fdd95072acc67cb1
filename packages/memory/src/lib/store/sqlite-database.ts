import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { GenieError } from '@genie/core/errors';
import type { Connection, ConnectionStatement } from './connection.ts';
import type { SqlRow, SqlValue } from './sqlite-rows.ts';
import { schemaSql, schemaVersion } from './sqlite-schema.ts';

/** `process`: survives the end of the process at any point. `power`: also survives power loss, at the price of one flush per change. */
export type Durability = 'process' | 'power';

/** A thin cover over a SQLite connection: prepared statements by text, transactions, coded errors. */
export class SqliteDatabase {
  readonly #database: Connection;
  readonly #statements = new Map<string, ConnectionStatement>();
  readonly path: string;

  constructor(database: Connection, path: string) {
    this.#database = database;
    this.path = path;
  }

  run(sql: string, ...values: SqlValue[]): { readonly changes: number; readonly lastId: number } {
    const result = this.#guard(() => this.#statement(sql).run(...values));
    return { changes: Number(result.changes), lastId: Number(result.lastInsertRowid) };
  }

  get(sql: string, ...values: SqlValue[]): SqlRow | undefined {
    return this.#guard(() => this.#statement(sql).get(...values)) as SqlRow | undefined;
  }

  all(sql: string, ...values: SqlValue[]): SqlRow[] {
    return this.#guard(() => this.#statement(sql).all(...values)) as SqlRow[];
  }

  exec(sql: string): void {
    this.#guard(() => this.#database.exec(sql));
  }

  /** Everything in `work` or nothing. Takes the write lock at once, so it cannot fail half way on a busy database. */
  transaction<Result>(work: () => Result): Result {
    this.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #statement(sql: string): ConnectionStatement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw asStoreError(error, this.path);
    }
  }
}

/** Opens (and creates) a database. Errors: `GENIE_MEMORY_CORRUPT`, `GENIE_MEMORY_VERSION`, `GENIE_MEMORY_STORE`. */
export async function openSqliteDatabase(path: string, durability: Durability): Promise<SqliteDatabase> {
  const database = new SqliteDatabase(await connect(path), path);
  try {
    if (path !== ':memory:') database.exec('PRAGMA journal_mode = WAL');
    configureDatabase(database, durability);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A connection as node:sqlite makes it, without pragmas and schema. */
export async function connect(path: string): Promise<DatabaseSync> {
  const { DatabaseSync: Database } = await import('node:sqlite');
  try {
    return new Database(path, { timeout: 5_000 });
  } catch (error) {
    throw asStoreError(error, path);
  }
}

/** Pragmas and schema; also used on a database that was loaded from a snapshot. */
export function configureDatabase(database: SqliteDatabase, durability: Durability): void {
  database.exec(`PRAGMA synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'}`);
  database.exec('PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000');
  const version = Number(database.get('PRAGMA user_version')?.user_version ?? 0);
  if (version > schemaVersion) {
    throw new GenieError(
      'GENIE_MEMORY_VERSION',
      `${database.path} was written by a newer version (format ${version}, this one reads up to ${schemaVersion}). Update @genie/memory.`,
      { details: { version, supported: schemaVersion } },
    );
  }
  if (version < schemaVersion) {
    database.transaction(() => {
      database.exec(`${schemaSql}; PRAGMA user_version = ${schemaVersion}`);
      database.run("INSERT OR IGNORE INTO meta (key, value) VALUES ('identity', ?)", randomBytes(32).toString('hex'));
    });
  }
}

/** SQLITE_CORRUPT is 11, SQLITE_NOTADB 26, SQLITE_FULL 13, SQLITE_BUSY 5; https://www.sqlite.org/rescode.html */
export function asStoreError(error: unknown, path: string): GenieError {
  if (GenieError.isInstance(error)) return error;
  const code = (error as { errcode?: number }).errcode;
  const message = error instanceof Error ? error.message : String(error);
  const primary = code === undefined ? undefined : code & 0xff;
  if (primary === 11 || primary === 26) {
    return new GenieError(
      'GENIE_MEMORY_CORRUPT',
      `${path} is damaged (${message}). Keep the file, restore a backup, or import an export into a new folder.`,
      { cause: error, details: { path, sqlite: code } },
    );
  }
  if (message.includes('not open')) {
    return new GenieError('GENIE_MEMORY_CLOSED', 'The memory is closed. Open it again with openMemory().', {
      cause: error,
    });
  }
  return new GenieError('GENIE_MEMORY_STORE', `${path}: ${message}`, { cause: error, details: { path, sqlite: code } });
}
