import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { GenieError } from '@genie/core/errors';

export interface DataLimits {
  readonly maxMemoryBytes: number;
  /** Folder for what does not fit into memory; private to one query. */
  readonly temporaryFolder: string;
  readonly maxTemporaryBytes: number;
}

/** One file that a query may read, under the name of a table. */
export interface DataTable {
  readonly name: string;
  readonly format: 'csv' | 'json' | 'parquet';
  /** A path that names the opened file itself, e.g. `/proc/self/fd/12`. */
  readonly path: string;
}

export interface DataEngine extends AsyncDisposable {
  readonly connection: DuckDBConnection;
  /** Number of the statement type of a SELECT. */
  readonly selectType: number;
}

const readers: Readonly<Record<DataTable['format'], (path: string) => string>> = {
  csv: (path) => `read_csv(${path}, sample_size = 20480)`,
  json: (path) => `read_json(${path}, format = 'auto', maximum_object_size = 67108864)`,
  parquet: (path) => `read_parquet(${path})`,
};

/**
 * A database in memory that sees the given files and nothing else of the machine: no other file, no network, no
 * extension, no change of its own settings. Throws `GENIE_DATA_MISSING` when `@duckdb/node-api` is not installed and
 * `GENIE_DATA_QUERY` when a file cannot be read in its format.
 */
export async function openDataEngine(tables: readonly DataTable[], limits: DataLimits): Promise<DataEngine> {
  const duckdb = await loadDuckDb();
  const instance: DuckDBInstance = await duckdb.DuckDBInstance.create(':memory:', {
    memory_limit: `${Math.floor(limits.maxMemoryBytes / 1024)}KiB`,
    temp_directory: limits.temporaryFolder,
    max_temp_directory_size: `${Math.floor(limits.maxTemporaryBytes / 1024)}KiB`,
    threads: '2',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    preserve_insertion_order: 'false',
  });
  const connection = await instance.connect();
  const close = () => {
    connection.closeSync();
    instance.closeSync();
  };
  try {
    const paths = tables.map(({ path }) => quoteText(path)).join(', ');
    await connection.run(`SET allowed_paths = [${paths}]`);
    await connection.run('SET enable_external_access = false');
    for (const { name, format, path } of tables) {
      await connection.run(`CREATE VIEW ${quoteName(name)} AS SELECT * FROM ${readers[format](quoteText(path))}`);
    }
    await connection.run('SET lock_configuration = true');
  } catch (error) {
    close();
    throw new GenieError('GENIE_DATA_QUERY', `The files cannot be read as tables: ${firstLine(error)}`, {
      cause: error,
    });
  }
  return { connection, selectType: duckdb.StatementType.SELECT, [Symbol.asyncDispose]: async () => close() };
}

async function loadDuckDb(): Promise<typeof import('@duckdb/node-api')> {
  try {
    return await import('@duckdb/node-api');
  } catch (error) {
    throw new GenieError(
      'GENIE_DATA_MISSING',
      'Queries over data files need the package "@duckdb/node-api": install it beside @genie/tools.',
      { cause: error },
    );
  }
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function firstLine(error: unknown): string {
  return String((error as Error)?.message ?? error)
    .split('\n')
    .slice(0, 3)
    .join(' ')
    .slice(0, 1000);
}
