import { GenieError } from '@genie/core/errors';
import { type JsonValue, parseJson, type WorkingMemory } from '@genie/core/ports';
import type { Database } from '../database.ts';
import { guarded } from '../describe-failure.ts';
import { assertFence, type Fence } from '../lease/postgres-leases.ts';
import type { SqlSession } from '../postgres-client.ts';
import { toJsonText, toKey } from '../storable-text.ts';

/** What `working.json` holds in a home: the state of the wake gate, cursors, the plan. */
export interface WorkingValues extends WorkingMemory {
  /** Every value by its key: forgetting looks into them. */
  all(): Promise<ReadonlyMap<string, JsonValue>>;
}

export interface WorkingValuesDeps {
  readonly database: Database;
  readonly genie: string;
  /** With it, a change by a holder whose turn is over is refused with `GENIE_LEASE_LOST`. */
  readonly fence?: Fence;
}

/** Small state between runs, as for `working.json`, but for each value. */
const maxValueBytes = 4 * 1024 * 1024;

/**
 * The working memory of one genie, a row for each key. Nothing is held in this process, so every process reads what was written last.
 * Rejects with `GENIE_MEMORY_STORE`, `GENIE_MEMORY_INPUT` (a value above 4 MiB) and `GENIE_LEASE_LOST`.
 */
export function createWorkingValues({ database, genie, fence }: WorkingValuesDeps): WorkingValues {
  const { tables, tenant } = database;
  const place = 'tenant = $1 AND genie = $2';
  const run = <Result>(what: string, work: (session: SqlSession) => Promise<Result>): Promise<Result> =>
    guarded('GENIE_MEMORY_STORE', what, () => database.transaction(work));
  const change = (what: string, sql: string, values: readonly unknown[]): Promise<void> =>
    run(what, async (session) => {
      if (fence) await assertFence(session, database, fence);
      await session.query(sql, [tenant, genie, ...values]);
    });
  return {
    async get(key) {
      const { rows } = await run('read the working memory', (session) =>
        session.query(`SELECT value FROM ${tables.workingValues} WHERE ${place} AND key = $3`, [
          tenant,
          genie,
          toKey(key),
        ]),
      );
      return rows[0] && (parseJson(rows[0].value as string) as JsonValue);
    },
    async set(key, value) {
      const text = toJsonText(value);
      checkSize(key, Buffer.byteLength(text));
      await change(
        'write the working memory',
        `INSERT INTO ${tables.workingValues} (tenant, genie, key, original, value) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant, genie, key) DO UPDATE SET value = excluded.value`,
        [toKey(key), toJsonText(key), text],
      );
    },
    delete: (key) =>
      change('write the working memory', `DELETE FROM ${tables.workingValues} WHERE ${place} AND key = $3`, [
        toKey(key),
      ]),
    async all() {
      const { rows } = await run('read the working memory', (session) =>
        session.query(`SELECT original, value FROM ${tables.workingValues} WHERE ${place} ORDER BY key`, [
          tenant,
          genie,
        ]),
      );
      return new Map(
        rows.map(({ original, value }) => [
          parseJson(original as string) as string,
          parseJson(value as string) as JsonValue,
        ]),
      );
    },
  };
}

function checkSize(key: string, sizeBytes: number): void {
  if (sizeBytes <= maxValueBytes) return;
  throw new GenieError(
    'GENIE_MEMORY_INPUT',
    `The working value ${JSON.stringify(key.slice(0, 80))} has ${sizeBytes} bytes; at most ${maxValueBytes} fit. Keep large findings with remember().`,
    { details: { sizeBytes } },
  );
}
