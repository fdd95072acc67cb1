import { defineTool, type ObjectStore, type Tool } from '@genie/core';
import { z } from 'zod';
import { createRoots } from '../confine/roots.ts';
import { quoteName } from './data-engine.ts';
import { type Ask, drawChart } from './draw-chart.ts';
import { runQuery } from './run-query.ts';
import { type TablesOptions, withTables } from './with-tables.ts';

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
  /** Where charts are kept. With it comes the tool `draw_chart`. */
  readonly artifacts?: ObjectStore;
}

const tableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, 'use letters, digits and "_"');
const tables = z
  .record(tableName, z.string())
  .describe('Name in the query -> path of the file; for SQLite files path#table');

/**
 * The tools `query_data` (one SELECT over CSV, TSV, JSON, JSONL, Parquet and SQLite files), `describe_data` (columns, types and
 * small statistics) and, with `artifacts`, `draw_chart`. Needs the optional package `@duckdb/node-api`, and Linux, whose
 * descriptors name an opened file. Read only, no network, no extensions. Errors by code: `GENIE_DATA_MISSING`,
 * `GENIE_DATA_QUERY`, `GENIE_DATA_LIMIT`, `GENIE_DATA_FORMAT`, those of the confined files.
 */
export function data(options: DataOptions): readonly Tool[] {
  const roots = createRoots({ roots: options.roots ?? [], workspace: options.workspace });
  const maxRows = options.maxRows ?? 1000;
  const common = { effect: 'read', permissions: ['fs:read'], timeoutMs: options.timeoutMs ?? 300_000 } as const;
  const limits = (signal: AbortSignal): TablesOptions => ({
    maxMemoryBytes: options.maxMemoryBytes ?? 512 * 1024 * 1024,
    maxTemporaryBytes: options.maxTemporaryBytes ?? 4 * 1024 ** 3,
    signal,
  });
  const ask: Ask = (request, { signal }) =>
    withTables(roots, request.tables, limits(signal), (engine) =>
      runQuery(engine, request.sql, { maxRows: request.maxRows, signal }),
    );
  const query = defineTool({
    ...common,
    name: 'query_data',
    description:
      'Runs one SQL SELECT over data files (csv, tsv, json, jsonl, parquet, sqlite). "tables" gives each file the name the query uses.',
    input: z.object({
      sql: z.string().min(1).max(100_000),
      tables,
      maxRows: z.number().int().min(1).max(maxRows).default(Math.min(200, maxRows)),
    }),
    run: ask,
  });
  const describe = defineTool({
    ...common,
    name: 'describe_data',
    description:
      'Tells the columns of a data file: type, smallest and largest value, mean, how many are distinct, share of empty ones.',
    input: z.object({ path: z.string().min(1) }),
    run: async ({ path }, context) => {
      const sql = `SELECT column_name, column_type, min, max, approx_unique, avg, null_percentage, count FROM (SUMMARIZE ${quoteName('data')})`;
      const { rows } = await ask({ sql, tables: { data: path }, maxRows: 1000 }, context);
      return { path, columns: rows };
    },
  });
  const { artifacts } = options;
  return [query as Tool, describe as Tool, ...(artifacts ? [drawChart({ common, tables, ask, artifacts })] : [])];
}
