import type { JsonValue } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { type DataEngine, firstLine } from './data-engine.ts';

export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly Readonly<Record<string, JsonValue>>[];
  /** True when there were more rows than asked for. */
  readonly truncated?: boolean;
}

/**
 * Runs one SELECT and reads at most `maxRows` rows; an abort interrupts it inside the engine.
 * Throws `GENIE_DATA_QUERY` (it is wrong, more than one, or no SELECT) and `GENIE_DATA_LIMIT` (memory or disk).
 */
export async function runQuery(
  engine: DataEngine,
  sql: string,
  options: { readonly maxRows: number; readonly signal: AbortSignal },
): Promise<QueryResult> {
  const { maxRows, signal } = options;
  signal.throwIfAborted();
  const { connection } = engine;
  const interrupt = () => connection.interrupt();
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    const statement = await prepare(engine, sql);
    try {
      const reader = await statement.streamAndReadUntil(maxRows + 1);
      const names = reader.deduplicatedColumnNames();
      const types = reader.columnTypes();
      const rows = reader.getRowObjectsJson() as Record<string, JsonValue>[];
      return {
        columns: names.map((name, index) => ({ name, type: String(types[index]) })),
        rows: rows.slice(0, maxRows),
        ...(rows.length > maxRows ? { truncated: true } : {}),
      };
    } finally {
      statement.destroySync();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw explain(error);
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

async function prepare({ connection, selectType }: DataEngine, sql: string) {
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) {
    throw new GenieError('GENIE_DATA_QUERY', `The text holds ${statements.count} statements: pass exactly one SELECT.`);
  }
  const statement = await statements.prepare(0);
  if (statement.statementType === selectType) return statement;
  statement.destroySync();
  throw new GenieError('GENIE_DATA_QUERY', 'Only SELECT is run: the data is read, never changed.');
}

function explain(error: unknown): unknown {
  if (GenieError.isInstance(error)) return error;
  const reason = firstLine(error);
  const isLimit = /out of memory|memory_limit|temp.*directory.*size|could not allocate/i.test(reason);
  return new GenieError(isLimit ? 'GENIE_DATA_LIMIT' : 'GENIE_DATA_QUERY', `The query failed: ${reason}`, {
    cause: error,
  });
}
