import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { defineTool, type Tool } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { z } from 'zod';
import type { ConfinedFile } from '../confine/confined-folder.ts';
import { createRoots, type Roots } from '../confine/roots.ts';
import { type DataTable, openDataEngine, quoteName } from './data-engine.ts';
import { runQuery } from './run-query.ts';

export interface DataOptions {
  /** Absolute. */
  readonly workspace: string;
  /** More folders whose files may be read. */
  readonly roots?: readonly string[];
  /** Default 512 MiB. */
  readonly maxMemoryBytes?: number;
  /** Most rows of one answer. Default 1,000. */
  readonly maxRows?: number;
  /** What may be written to disk while a query runs. Default 4 GiB. */
  readonly maxTemporaryBytes?: number;
  /** Default 300,000. */
  readonly timeoutMs?: number;
}

const tableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, 'use letters, digits and "_"');

/**
 * The tools `query_data` (one SELECT over CSV, TSV, JSON, JSONL and Parquet files) and `describe_data` (columns, types and
 * small statistics). Needs the optional package `@duckdb/node-api`, and Linux, whose descriptors name an opened file.
 * Read only, no network, no extensions. Errors by code: `GENIE_DATA_MISSING`, `GENIE_DATA_QUERY`, `GENIE_DATA_LIMIT`,
 * `GENIE_DATA_FORMAT`, those of the confined files.
 */
export function data(options: DataOptions): readonly Tool[] {
  const roots = createRoots({ roots: options.roots ?? [], workspace: options.workspace });
  const maxRows = options.maxRows ?? 1000;
  const common = { effect: 'read', permissions: ['fs:read'], timeoutMs: options.timeoutMs ?? 300_000 } as const;
  const query = defineTool({
    ...common,
    name: 'query_data',
    description:
      'Runs one SQL SELECT over data files (csv, tsv, json, jsonl, parquet). "tables" gives each file the name the query uses.',
    input: z.object({
      sql: z.string().min(1).max(100_000),
      tables: z.record(tableName, z.string()).describe('Name in the query -> path of the file'),
      maxRows: z.number().int().min(1).max(maxRows).default(Math.min(200, maxRows)),
    }),
    run: (request, context) =>
      withTables(roots, request.tables, options, (engine) =>
        runQuery(engine, request.sql, { maxRows: request.maxRows, signal: context.signal }),
      ),
  });
  const describe = defineTool({
    ...common,
    name: 'describe_data',
    description:
      'Tells the columns of a data file: type, smallest and largest value, mean, how many are distinct, share of empty ones.',
    input: z.object({ path: z.string().min(1) }),
    run: ({ path }, context) =>
      withTables(roots, { data: path }, options, async (engine) => {
        const sql = `SELECT column_name, column_type, min, max, approx_unique, avg, null_percentage, count FROM (SUMMARIZE ${quoteName('data')})`;
        const { rows } = await runQuery(engine, sql, { maxRows: 1000, signal: context.signal });
        return { path, columns: rows };
      }),
  });
  return [query as Tool, describe as Tool];
}

const formats: Readonly<Record<string, DataTable['format']>> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.txt': 'csv',
  '.json': 'json',
  '.jsonl': 'json',
  '.ndjson': 'json',
  '.parquet': 'parquet',
};

async function withTables<Result>(
  roots: Roots,
  tables: Readonly<Record<string, string>>,
  options: DataOptions,
  use: (engine: Awaited<ReturnType<typeof openDataEngine>>) => Promise<Result>,
): Promise<Result> {
  if (process.platform !== 'linux') {
    throw new GenieError(
      'GENIE_DATA_MISSING',
      'Queries over data files run on Linux only: elsewhere a file cannot be handed over without naming it.',
    );
  }
  const opened: ConfinedFile[] = [];
  const temporaryFolder = mkdtempSync(join(tmpdir(), 'genie-data-'));
  try {
    const list = Object.entries(tables).map(([name, path]): DataTable => {
      const format = formats[extname(path).toLowerCase()];
      if (!format)
        throw new GenieError(
          'GENIE_DATA_FORMAT',
          `${JSON.stringify(path)} is no data file by its name: use ${Object.keys(formats).join(', ')}.`,
        );
      const file = openFile(roots, path);
      opened.push(file);
      return { name, format, path: `/proc/self/fd/${file.fd}` };
    });
    await using engine = await openDataEngine(list, {
      maxMemoryBytes: options.maxMemoryBytes ?? 512 * 1024 * 1024,
      temporaryFolder,
      maxTemporaryBytes: options.maxTemporaryBytes ?? 4 * 1024 ** 3,
    });
    return await use(engine);
  } finally {
    for (const file of opened) file.close();
    rmSync(temporaryFolder, { recursive: true, force: true });
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
