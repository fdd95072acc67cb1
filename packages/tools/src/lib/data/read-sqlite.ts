import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GenieError } from '@genie/core/errors';
import type { ConfinedFile } from '../confine/confined-folder.ts';

/** A table of a SQLite file, to be copied into the engine. */
export interface SqliteTable extends Disposable {
  readonly columns: readonly string[];
  /** Rows as texts, in pieces; other work gets a turn between two of them. */
  rows(signal: AbortSignal): AsyncGenerator<readonly (readonly (string | null)[])[]>;
  /** What the engine should take each column for, once every row was read. */
  types(): readonly ('BIGINT' | 'DOUBLE' | 'VARCHAR')[];
}

export interface SqliteOptions {
  /** Shown in messages. */
  readonly path: string;
  /** Name of the table; undefined for a file with one. */
  readonly table: string | undefined;
  /** Private to this query. */
  readonly temporaryFolder: string;
  readonly maxBytes: number;
}

const rowsAtOnce = 2000;

/**
 * Reads a SQLite file with `node:sqlite`: the engine's own reader would be an extension that is downloaded. The opened files
 * are copied first, because SQLite only takes names, and a name can be made to lead elsewhere. Nothing of the file runs: no
 * view, no trigger, no virtual table. Throws `GENIE_DATA_FORMAT` (no SQLite file, no such table) and `GENIE_DATA_LIMIT`.
 */
export function openSqliteTable(
  files: { readonly main: ConfinedFile; readonly log: ConfinedFile | undefined },
  options: SqliteOptions,
): SqliteTable {
  const copy = join(options.temporaryFolder, 'copy.db');
  copyFile(files.main, copy, options);
  if (files.log) copyFile(files.log, `${copy}-wal`, options);
  const database = openCopy(copy, options.path);
  try {
    return tableOf(database, options);
  } catch (error) {
    database.close();
    throw GenieError.isInstance(error) ? error : notSqlite(options.path, error);
  }
}

function tableOf(database: DatabaseSync, options: SqliteOptions): SqliteTable {
  const table = chooseTable(database, options);
  const name = `"${table.replaceAll('"', '""')}"`;
  const columns = database
    .prepare(`PRAGMA table_info(${name})`)
    .all()
    .map((column) => String(column.name));
  const seen = columns.map(() => ({ integer: true, number: true, any: false }));
  return {
    columns,
    async *rows(signal) {
      const statement = database.prepare(`SELECT * FROM ${name}`);
      statement.setReadBigInts(true);
      statement.setReturnArrays(true);
      let piece: (string | null)[][] = [];
      for (const row of statement.iterate() as Iterable<unknown>) {
        piece.push((row as unknown[]).map((value, at) => note(seen[at], value)));
        if (piece.length < rowsAtOnce) continue;
        yield piece;
        piece = [];
        await nextTurn();
        signal.throwIfAborted();
      }
      yield piece;
    },
    types: () =>
      seen.map(({ integer, number, any }) => (any && integer ? 'BIGINT' : any && number ? 'DOUBLE' : 'VARCHAR')),
    [Symbol.dispose]: () => database.close(),
  };
}

type Seen = { integer: boolean; number: boolean; any: boolean };

function note(seen: Seen | undefined, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (seen) {
    seen.any = true;
    if (typeof value !== 'bigint') seen.integer = false;
    if (typeof value !== 'bigint' && typeof value !== 'number') seen.number = false;
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return String(value);
}

function openCopy(path: string, shown: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path, { allowExtension: false, enableForeignKeyConstraints: false });
    database.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON');
    return database;
  } catch (error) {
    throw notSqlite(shown, error);
  }
}

function chooseTable(database: DatabaseSync, { path, table }: SqliteOptions): string {
  const names = database
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name LIMIT 500",
    )
    .all()
    .map((row) => String(row.name));
  const [only] = names;
  if (table === undefined && names.length === 1 && only !== undefined) return only;
  if (table !== undefined && names.includes(table)) return table;
  throw new GenieError(
    'GENIE_DATA_FORMAT',
    `${JSON.stringify(path)} has the tables ${names.slice(0, 50).join(', ') || 'none'}: name one as ${JSON.stringify(`${path}#table`)}.`,
  );
}

function copyFile(file: ConfinedFile, target: string, { path, maxBytes }: SqliteOptions): void {
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  const descriptor = openSync(target, 'wx', 0o600);
  try {
    for (let at = 0; ; ) {
      const read = readSync(file.fd, buffer, 0, buffer.length, at);
      if (read === 0) return;
      at += read;
      if (at > maxBytes)
        throw new GenieError(
          'GENIE_DATA_LIMIT',
          `${JSON.stringify(path)} has more than the ${maxBytes} bytes allowed.`,
        );
      writeSync(descriptor, buffer, 0, read);
    }
  } finally {
    closeSync(descriptor);
  }
}

function notSqlite(path: string, cause: unknown): GenieError {
  return new GenieError(
    'GENIE_DATA_FORMAT',
    `${JSON.stringify(path)} is no SQLite file that can be read: ${(cause as Error).message}`,
    {
      cause,
    },
  );
}
