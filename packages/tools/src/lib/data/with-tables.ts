import { mkdtempSync, rmSync } from 'node:fs';
import { extname, join } from 'node:path';
import { GenieError } from '@genie/core/errors';
import type { ConfinedFile } from '../confine/confined-folder.ts';
import type { Roots } from '../confine/roots.ts';
import { makeOwnedFolder, removeAbandoned } from '../owned-folder.ts';
import { type DataEngine, type DataTable, openDataEngine, quoteName } from './data-engine.ts';
import type { SqliteTable } from './read-sqlite.ts';

export interface TablesOptions {
  readonly maxMemoryBytes: number;
  readonly maxTemporaryBytes: number;
  readonly signal: AbortSignal;
}

const formats: Readonly<Record<string, DataTable['format'] | 'sqlite'>> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.txt': 'csv',
  '.json': 'json',
  '.jsonl': 'json',
  '.ndjson': 'json',
  '.parquet': 'parquet',
  '.sqlite': 'sqlite',
  '.sqlite3': 'sqlite',
  '.db': 'sqlite',
};

/** Opens files (table name → path, for SQLite `path#table`) as tables of an engine that sees nothing else, for one query. */
export async function withTables<Result>(
  roots: Roots,
  tables: Readonly<Record<string, string>>,
  options: TablesOptions,
  use: (engine: DataEngine) => Promise<Result>,
): Promise<Result> {
  if (process.platform !== 'linux') {
    throw new GenieError(
      'GENIE_DATA_MISSING',
      'Queries over data files run on Linux only: elsewhere a file cannot be handed over without naming it.',
    );
  }
  const opened: ConfinedFile[] = [];
  removeAbandoned('data');
  const temporaryFolder = makeOwnedFolder('data');
  try {
    const places = Object.entries(tables).map(([name, path]) => placeOf(name, path));
    const list = places.flatMap(({ name, path, format }): DataTable[] => {
      if (format === 'sqlite') return [];
      const file = openFile(roots, path);
      opened.push(file);
      return [{ name, format, path: `/proc/self/fd/${file.fd}` }];
    });
    await using engine = await openDataEngine(list, { ...options, temporaryFolder });
    for (const place of places)
      if (place.format === 'sqlite') await copySqlite(engine, place, { roots, options, temporaryFolder });
    return await use(engine);
  } finally {
    for (const file of opened) file.close();
    rmSync(temporaryFolder, { recursive: true, force: true });
  }
}

interface Place {
  readonly name: string;
  readonly path: string;
  readonly format: DataTable['format'] | 'sqlite';
  readonly table?: string;
}

function placeOf(name: string, wanted: string): Place {
  const [, file = wanted, table] = /^(.*\.(?:sqlite3?|db))#([^#]+)$/i.exec(wanted) ?? [];
  const format = formats[extname(file).toLowerCase()];
  if (format) return { name, path: file, format, ...(table === undefined ? {} : { table }) };
  throw new GenieError(
    'GENIE_DATA_FORMAT',
    `${JSON.stringify(wanted)} is no data file by its name: use ${Object.keys(formats).join(', ')}.`,
  );
}

interface Copying {
  readonly roots: Roots;
  readonly options: TablesOptions;
  readonly temporaryFolder: string;
}

async function copySqlite(
  engine: DataEngine,
  place: Place,
  { roots, options, temporaryFolder }: Copying,
): Promise<void> {
  // Loaded late: Node 22 warns of its SQLite whenever it is loaded.
  const { openSqliteTable } = await import('./read-sqlite.ts');
  const main = openFile(roots, place.path);
  let log: ConfinedFile | undefined;
  try {
    // What was written and not yet moved into the main file.
    log = openIfThere(roots, `${place.path}-wal`);
    const own = mkdtempSync(join(temporaryFolder, 'sqlite-'));
    const { maxTemporaryBytes: maxBytes } = options;
    using table = openSqliteTable(
      { main, log },
      { path: place.path, table: place.table, temporaryFolder: own, maxBytes },
    );
    await fill(engine, { name: place.name, table, signal: options.signal });
  } finally {
    main.close();
    log?.close();
  }
}

/** SQLite gives each value a type of its own, so everything comes as text and every column is cast once all of it was seen. */
async function fill(
  { connection }: DataEngine,
  { name, table, signal }: { readonly name: string; readonly table: SqliteTable; readonly signal: AbortSignal },
): Promise<void> {
  const { columns } = table;
  const rows = `${name}__rows`;
  await connection.run(`CREATE TABLE ${quoteName(rows)} (${columns.map((_, at) => `c${at} VARCHAR`).join(', ')})`);
  const appender = await connection.createAppender(rows);
  for await (const piece of table.rows(signal)) {
    for (const row of piece) {
      for (const value of row) {
        if (value === null) appender.appendNull();
        else appender.appendVarchar(value);
      }
      appender.endRow();
    }
    appender.flushSync();
  }
  appender.closeSync();
  const types = table.types();
  const cast = columns.map((column, at) => `CAST(c${at} AS ${types[at] ?? 'VARCHAR'}) AS ${quoteName(column)}`);
  await connection.run(`CREATE VIEW ${quoteName(name)} AS SELECT ${cast.join(', ')} FROM ${quoteName(rows)}`);
}

function openIfThere(roots: Roots, path: string): ConfinedFile | undefined {
  try {
    return openFile(roots, path);
  } catch (error) {
    if (GenieError.isInstance(error) && error.code === 'GENIE_FILE_MISSING') return undefined;
    throw error;
  }
}

function openFile(roots: Roots, path: string): ConfinedFile {
  const place = roots.resolve(path);
  const folder = roots.open(place);
  try {
    return folder.openFile(place.inner);
  } finally {
    folder.close();
  }
}
