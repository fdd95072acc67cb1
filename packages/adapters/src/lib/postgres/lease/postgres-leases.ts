import { GenieError } from '@genie/core/errors';
import type { AcquireOptions, HeldLease, LeaseState, Leases } from '@genie/core/ports';
import type { Database } from '../database.ts';
import { guarded } from '../describe-failure.ts';
import type { SqlSession } from '../postgres-client.ts';
import { toKey } from '../storable-text.ts';

export interface PostgresLeasesDeps {
  readonly database: Database;
  readonly holder: string;
}

/** What a write needs to be refused when its holder was fenced off. */
export interface Fence {
  readonly key: string;
  readonly generation: number;
}

/** Leases in the database, by the database's clock. */
export function createPostgresLeases({ database, holder }: PostgresLeasesDeps): Leases {
  const run = <Result>(what: string, work: (session: SqlSession) => Promise<Result>): Promise<Result> =>
    guarded('GENIE_LEASE_STORE', what, () => database.transaction(work));
  return {
    async acquire(key, options) {
      checkKey(key);
      options.signal?.throwIfAborted();
      const generation = await run(`take the lease "${key}"`, (session) =>
        take(session, { database, holder, key, options }),
      );
      return generation === undefined ? undefined : heldLease({ database, holder, key, generation, options, run });
    },
    async read(key) {
      checkKey(key);
      return run(`read the lease "${key}"`, (session) => readLease(session, database, key));
    },
    close: async () => undefined,
  };
}

/**
 * Called inside the transaction of a write that only the present holder may make. Throws `GENIE_LEASE_LOST` for an older generation, and keeps the lease
 * from changing hands until the transaction ends.
 */
export async function assertFence(session: SqlSession, { tables, tenant }: Database, fence: Fence): Promise<void> {
  const { rows } = await session.query(
    `SELECT generation FROM ${tables.leases} WHERE tenant = $1 AND key = $2 FOR SHARE`,
    [tenant, toKey(fence.key)],
  );
  if (Number(rows[0]?.generation ?? -1) !== fence.generation) throw lost(fence.key, fence.generation);
}

interface Taking {
  readonly database: Database;
  readonly holder: string;
  readonly key: string;
  readonly options: AcquireOptions;
}

async function take(session: SqlSession, { database, holder, key, options }: Taking): Promise<number | undefined> {
  const { tables, tenant } = database;
  const { rows } = await session.query(
    `INSERT INTO ${tables.leases} AS held (tenant, key, holder, generation, expires_at)
     VALUES ($1, $2, $3, 1, clock_timestamp() + $4 * interval '1 millisecond')
     ON CONFLICT (tenant, key) DO UPDATE
       SET holder = excluded.holder, generation = held.generation + 1, expires_at = excluded.expires_at
       WHERE held.expires_at <= clock_timestamp()
     RETURNING generation`,
    [tenant, toKey(key), holder, options.ttlMs],
  );
  return rows[0] && Number(rows[0].generation);
}

async function readLease(
  session: SqlSession,
  { tables, tenant }: Database,
  key: string,
): Promise<LeaseState | undefined> {
  const { rows } = await session.query(
    `SELECT holder, generation, expires_at > clock_timestamp() AS held FROM ${tables.leases} WHERE tenant = $1 AND key = $2`,
    [tenant, toKey(key)],
  );
  const [row] = rows;
  if (!row) return undefined;
  return { key, holder: row.holder as string, generation: Number(row.generation), held: row.held === true };
}

interface Holding extends Taking {
  readonly generation: number;
  readonly run: <Result>(what: string, work: (session: SqlSession) => Promise<Result>) => Promise<Result>;
}

function heldLease({ database, holder, key, generation, options, run }: Holding): HeldLease {
  const { tables, tenant } = database;
  const mine = [tenant, toKey(key), generation];
  let isReleased = false;
  const extend = async (session: SqlSession, ttlMs: number): Promise<boolean> => {
    const { rowCount } = await session.query(
      `UPDATE ${tables.leases} SET expires_at = clock_timestamp() + $4 * interval '1 millisecond'
       WHERE tenant = $1 AND key = $2 AND generation = $3`,
      [...mine, ttlMs],
    );
    return rowCount === 1;
  };
  return {
    key,
    holder,
    generation,
    renew: async () => !isReleased && run(`renew the lease "${key}"`, (session) => extend(session, options.ttlMs)),
    async check() {
      const state = await run(`read the lease "${key}"`, (session) => readLease(session, database, key));
      if (isReleased || !state?.held || state.generation !== generation) throw lost(key, generation);
    },
    async release() {
      if (isReleased) return;
      isReleased = true;
      await run(`give back the lease "${key}"`, (session) => extend(session, 0));
    },
  };
}

function checkKey(key: string): void {
  if (key.length > 0 && key.length <= 1_000) return;
  throw new GenieError('GENIE_LEASE_KEY', `A lease needs a key of 1 to 1,000 characters; this one has ${key.length}.`);
}

function lost(key: string, generation: number): GenieError {
  return new GenieError(
    'GENIE_LEASE_LOST',
    `Turn ${generation} of "${key}" is over: somebody else holds it, or it ran out. Stop working on it.`,
    { details: { key, generation } },
  );
}
