import { GenieError } from '@genie/core/errors';
import { isConflict, isCutOff } from './describe-failure.ts';
import type { EmbeddedPostgres, PostgresClient, PostgresPool, SqlSession } from './postgres-client.ts';
import { type Tables, tablesOf } from './tables.ts';

/** One schema of one database, as one tenant sees it. */
export interface Database {
  readonly pool: PostgresPool;
  /** The embedded database behind the pool, when it is one: it has a single session, shared by everybody. */
  readonly embedded: EmbeddedPostgres | undefined;
  readonly schema: string;
  readonly tenant: string;
  readonly tables: Tables;
  /**
   * Runs `work` in one transaction that sees and writes this tenant's rows only. Repeated when the server asks for it (serialization
   * failures, deadlocks), so `work` must have no effects elsewhere.
   */
  transaction<Result>(work: (session: SqlSession) => Promise<Result>): Promise<Result>;
}

export interface DatabaseOptions {
  readonly pool: PostgresPool;
  readonly embedded?: EmbeddedPostgres | undefined;
  readonly schema: string;
  readonly tenant: string;
}

const nameForm = /^[a-z_][a-z0-9_]{0,47}$/;
const tenantForm = /^[\w.@:-]{1,100}$/;
const maxAttempts = 10;

/** Throws `GENIE_POSTGRES_OPTIONS` for names that cannot be used. */
export function createDatabase(options: DatabaseOptions): Database {
  const { pool, schema, tenant } = options;
  if (!nameForm.test(schema)) throw badName('schema', schema, '1 to 48 lower-case letters, digits and "_"');
  if (!tenantForm.test(tenant)) throw badName('tenant', tenant, '1 to 100 letters, digits, "_", ".", "@", ":" and "-"');
  const begin = beginAs(tenant);
  return {
    pool,
    embedded: options.embedded,
    schema,
    tenant,
    tables: tablesOf(schema),
    async transaction(work) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await inTransaction(pool, begin, work);
        } catch (error) {
          if (!isConflict(error) || attempt === maxAttempts) throw error;
          await pause(Math.random() * 5 * 2 ** attempt);
        }
      }
    },
  };
}

/**
 * The tenant is a setting of the transaction, so a pooled connection carries nothing from one tenant to the next. A process that stops in the middle of a
 * transaction (a paused machine) must not keep its locks from the others, so the server ends what stands still.
 */
export function beginAs(tenant: string): string {
  return `BEGIN; SELECT set_config('genie.tenant', '${tenant}', true), set_config('idle_in_transaction_session_timeout', '5000', true)`;
}

async function inTransaction<Result>(
  pool: PostgresPool,
  begin: string,
  work: (session: SqlSession) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  // Without a listener a connection that breaks between two statements would end the process.
  const onError = (): void => undefined;
  client.on('error', onError);
  let broken: Error | undefined;
  try {
    await client.query(begin);
    const result = await work(sessionOf(client));
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // A server that does not answer would not answer this either.
    if (isCutOff(error)) broken = error as Error;
    else
      await client.query('ROLLBACK').catch((rollback: unknown) => {
        broken = rollback instanceof Error ? rollback : new Error(String(rollback));
      });
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

export function sessionOf(client: Pick<PostgresClient, 'query'>): SqlSession {
  return { query: (text, values) => client.query(text, values === undefined ? undefined : [...values]) };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function badName(what: string, received: string, form: string): GenieError {
  return new GenieError(
    'GENIE_POSTGRES_OPTIONS',
    `openPostgres: ${what} is ${JSON.stringify(received.slice(0, 80))}; use ${form}.`,
  );
}
