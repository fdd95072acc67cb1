import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { GenieError } from '@genie/core/errors';
import type { Connection } from '../store/connection.ts';
import { configureDatabase, type Durability, SqliteDatabase } from '../store/sqlite-database.ts';
import type { SqlValue } from '../store/sqlite-rows.ts';
import type { CipherOptions } from './key-file.ts';
import type { DataKey } from './sealed-file.ts';

const pagesName = 'knowledge.pages';
const snapshotName = 'knowledge.db.sealed';

/** A database whose pages and log are encrypted on disk (ChaCha20-Poly1305, SQLite3 Multiple Ciphers). */
export interface Pages {
  readonly database: SqliteDatabase;
  /** Writes every page again under another key. A crash in between leaves all pages under one of the two. */
  useKey(key: DataKey): void;
}

/** What is there decides; the option is for a new memory. */
export function usesPages(folder: string, { records }: CipherOptions): boolean {
  if (existsSync(path.join(folder, pagesName))) return true;
  return records === 'pages' && !existsSync(path.join(folder, snapshotName));
}

/** Opens, or makes, the database with whichever of the keys fits. */
export async function openPages(folder: string, keys: readonly DataKey[], durability: Durability): Promise<Pages> {
  const file = path.join(folder, pagesName);
  const open = await loadDriver();
  const newestFirst = [...keys].sort((left, right) => right.generation - left.generation);
  let failure: unknown;
  for (const key of newestFirst) {
    const connection = openWith(open, file, key);
    try {
      connection.prepare('SELECT count(*) AS tables FROM sqlite_master').get();
      const database = new SqliteDatabase(connection, file);
      database.exec('PRAGMA journal_mode = WAL');
      configureDatabase(database, durability);
      return { database, useKey: (next) => changeKey(database, next) };
    } catch (error) {
      connection.close();
      failure = error;
      if (!isNotADatabase(error)) break;
    }
  }
  if (GenieError.isInstance(failure)) throw failure;
  throw new GenieError(
    isNotADatabase(failure) ? 'GENIE_MEMORY_CIPHER' : 'GENIE_MEMORY_CORRUPT',
    `${file} cannot be decrypted: another key wrote it, or it was changed. Restore it from a backup.`,
    { cause: failure, details: { file } },
  );
}

/** A rollback journal while the pages change, because a log of the old key cannot follow pages of the new one. */
function changeKey(database: SqliteDatabase, key: DataKey): void {
  database.exec('PRAGMA journal_mode = DELETE');
  database.exec(`PRAGMA rekey = "${pageKey(key)}"`);
  database.exec('PRAGMA journal_mode = WAL');
}

/** A key of its own for pages, so that no key serves two ciphers; 32 bytes, given as they are. */
function pageKey({ key }: DataKey): string {
  return `x'${createHmac('sha256', key).update('genie memory pages').digest('hex')}'`;
}

type OpenDatabase = (file: string) => BetterDatabase;

interface BetterStatement {
  run(...values: unknown[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  get(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
}

/** The part of better-sqlite3's API (https://github.com/WiseLibs/better-sqlite3/blob/master/docs/api.md) that is used here. */
interface BetterDatabase {
  readonly open: boolean;
  readonly inTransaction: boolean;
  exec(sql: string): unknown;
  pragma(sql: string): unknown;
  prepare(sql: string): BetterStatement;
  close(): unknown;
}

/** A variable, because the package hides its types from those who import it as a module. */
const driverName: string = 'better-sqlite3-multiple-ciphers';

async function loadDriver(): Promise<OpenDatabase> {
  try {
    const { default: Database } = (await import(driverName)) as {
      readonly default: new (file: string, options: { readonly timeout: number }) => BetterDatabase;
    };
    return (file) => new Database(file, { timeout: 5_000 });
  } catch (error) {
    throw new GenieError(
      'GENIE_MEMORY_OPTIONS',
      "cipher.records: 'pages' needs the package better-sqlite3-multiple-ciphers, which could not be loaded. Install it: npm install better-sqlite3-multiple-ciphers",
      { cause: error },
    );
  }
}

function openWith(open: OpenDatabase, file: string, key: DataKey): Connection {
  const database = open(file);
  database.pragma("cipher = 'chacha20'");
  database.pragma(`key = "${pageKey(key)}"`);
  return {
    get isOpen() {
      return database.open;
    },
    get isTransaction() {
      return database.inTransaction;
    },
    exec: (sql) => void withCode(() => database.exec(sql)),
    prepare(sql) {
      const statement = withCode(() => database.prepare(sql));
      // This driver binds `?1` by its number, node:sqlite by its place.
      const bound = /\?\d/.test(sql) ? (values: SqlValue[]) => [byNumber(values)] : (values: SqlValue[]) => values;
      return {
        run: (...values) => withCode(() => statement.run(...bound(values))),
        get: (...values) => withCode(() => statement.get(...bound(values))),
        all: (...values) => withCode(() => statement.all(...bound(values))),
      };
    },
    close: () => void database.close(),
  };
}

function byNumber(values: readonly SqlValue[]): Readonly<Record<string, SqlValue>> {
  return Object.fromEntries(values.map((value, at) => [at + 1, value]));
}

/** better-sqlite3 names result codes, node:sqlite numbers them; https://www.sqlite.org/rescode.html */
const numbers: Readonly<Record<string, number>> = {
  SQLITE_BUSY: 5,
  SQLITE_READONLY: 8,
  SQLITE_IOERR: 10,
  SQLITE_CORRUPT: 11,
  SQLITE_FULL: 13,
  SQLITE_NOTADB: 26,
};

function withCode<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const code = String((error as { code?: unknown }).code ?? '');
    const name = Object.keys(numbers).find((one) => code.startsWith(one));
    if (name !== undefined && error instanceof Error) Object.assign(error, { errcode: numbers[name] });
    throw error;
  }
}

function isNotADatabase(error: unknown): boolean {
  const cause = GenieError.isInstance(error) ? error.cause : error;
  return (cause as { errcode?: number } | undefined)?.errcode === 26;
}
