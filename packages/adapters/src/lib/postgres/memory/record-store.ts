import { randomBytes } from 'node:crypto';
import { GenieError } from '@genie/core/errors';
import type {
  MemoryRecord,
  OperationRow,
  OutboxEntry,
  RecordQuery,
  RecordStore,
  StoredRecord,
  VectorRow,
} from '@genie/memory';
import type { Database } from '../database.ts';
import { guarded } from '../describe-failure.ts';
import { assertFence, type Fence } from '../lease/postgres-leases.ts';
import type { SqlSession } from '../postgres-client.ts';
import { toKey } from '../storable-text.ts';
import { commitBatch } from './commit-batch.ts';
import { findRecords } from './find-records.ts';
import { readStats, verifyMemory } from './memory-facts.ts';

export interface PostgresRecordStoreDeps {
  readonly database: Database;
  readonly genie: string;
  /** With it, a commit of a holder whose turn is over is refused with `GENIE_LEASE_LOST`. */
  readonly fence?: Fence;
}

/** A record store that can also search its words on the server. */
export interface PostgresRecordStore extends RecordStore {
  /** Live records by full text (`websearch_to_tsquery`, every language alike), best first. */
  searchWords(
    namespace: string,
    query: string,
    k: number,
  ): Promise<readonly { readonly id: string; readonly rank: number }[]>;
}

const space = 'tenant = $1 AND genie = $2 AND namespace = $3';

/** The memory of one genie in the database. */
export function createPostgresRecordStore(deps: PostgresRecordStoreDeps): PostgresRecordStore {
  const { database, genie, fence } = deps;
  const { tables, tenant } = database;
  let closed = false;
  let identity: string | undefined;
  const run = <Result>(what: string, work: (session: SqlSession) => Promise<Result>): Promise<Result> =>
    guarded('GENIE_MEMORY_STORE', what, async () => {
      if (closed) {
        throw new GenieError('GENIE_MEMORY_CLOSED', 'The memory is closed. Open it again with openMemory().');
      }
      identity ??= await database.transaction((session) => makeState(session, database, genie));
      return database.transaction(work);
    });
  const keys = (namespace: string): readonly [string, string, string] => [tenant, genie, toKey(namespace)];
  const rowsOf = async (
    what: string,
    sql: string,
    values: readonly unknown[],
  ): Promise<readonly Record<string, unknown>[]> => (await run(what, (session) => session.query(sql, values))).rows;
  return {
    capabilities: { name: 'postgres', durable: true, encrypted: false },
    async identity() {
      await run('read the identity', async () => undefined);
      return identity as string;
    },
    async commit(batch, { signal } = {}) {
      signal?.throwIfAborted();
      return run('commit', async (session) => {
        if (fence) await assertFence(session, database, fence);
        return commitBatch({ session, database, genie, batch, space: keys(batch.namespace) });
      });
    },
    async get(namespace, ids) {
      const found = await rowsOf(
        'read records',
        `SELECT id, seq, revision, body FROM ${tables.memories} WHERE ${space} AND id = ANY($4::text[])`,
        [...keys(namespace), ids.map(toKey)],
      );
      const byKey = new Map(found.map((row) => [row.id as string, toRecord(row)]));
      return ids.flatMap((id) => byKey.get(toKey(id)) ?? []);
    },
    find: (query: RecordQuery) =>
      run('find records', async (session) =>
        (await findRecords(session, { database, keys: keys(query.namespace), query })).map(toRecord),
      ),
    changes: (namespace, revision, limit) =>
      run('read changes', (session) => readChanges(session, { database, keys: keys(namespace), revision, limit })),
    async revision(namespace) {
      const [row] = await rowsOf(
        'read the revision',
        `SELECT greatest(coalesce((SELECT max(revision) FROM ${tables.memories} WHERE ${space}), 0),
                         coalesce((SELECT max(revision) FROM ${tables.memoryRemovals} WHERE ${space}), 0)) AS revision`,
        keys(namespace),
      );
      return Number(row?.revision ?? 0);
    },
    async vectors(namespace, model, { ids, afterId, limit } = {}) {
      const rows = await rowsOf(
        'read vectors',
        `SELECT original, vector FROM ${tables.memoryVectors} WHERE ${space} AND model = $4
           AND ($5::text[] IS NULL OR id = ANY($5::text[])) AND ($6::text IS NULL OR id > $6) ORDER BY id LIMIT $7`,
        [
          ...keys(namespace),
          toKey(model),
          ids?.map(toKey) ?? null,
          afterId === undefined ? null : toKey(afterId),
          limit ?? null,
        ],
      );
      return rows.map(
        (row): VectorRow => ({ id: JSON.parse(row.original as string) as string, model, vector: toVector(row.vector) }),
      );
    },
    async countVectors(namespace, model) {
      const sql = `SELECT count(*) AS n FROM ${tables.memoryVectors} WHERE ${space} AND model = $4`;
      return Number((await rowsOf('count vectors', sql, [...keys(namespace), toKey(model)]))[0]?.n ?? 0);
    },
    async outbox(namespace, limit) {
      const sql = `SELECT body FROM ${tables.memoryOutbox} WHERE ${space} ORDER BY id LIMIT $4`;
      return (await rowsOf('read the outbox', sql, [...keys(namespace), limit])).map(
        (row) => JSON.parse(row.body as string) as OutboxEntry,
      );
    },
    async operations(namespace, id) {
      const sql = `SELECT body FROM ${tables.memoryOperations} WHERE ${space} AND ($4::text IS NULL OR id = $4) ORDER BY at, id`;
      const values = [...keys(namespace), id === undefined ? null : toKey(id)];
      return (await rowsOf('read operations', sql, values)).map(
        (row) => JSON.parse(row.body as string) as OperationRow,
      );
    },
    stats: () => run('count', (session) => readStats(session, database, genie)),
    async verify() {
      try {
        return await run('verify', (session) => verifyMemory(session, database, genie));
      } catch (error) {
        return [String(error)];
      }
    },
    // Removed rows are gone for every reader at once; their pages are the server's to reuse (autovacuum).
    scrub: () => run('scrub', async () => undefined),
    async searchWords(namespace, query, k) {
      const rows = await rowsOf(
        'search words',
        `SELECT body, ts_rank_cd(words, asked) AS rank FROM ${tables.memories}, websearch_to_tsquery('simple', $4) AS asked
         WHERE ${space} AND status = 'live' AND words @@ asked ORDER BY rank DESC, seq DESC LIMIT $5`,
        [...keys(namespace), query.toWellFormed().replaceAll('\u0000', ' '), k],
      );
      return rows.map((row) => ({ id: (JSON.parse(row.body as string) as MemoryRecord).id, rank: Number(row.rank) }));
    },
    async close() {
      closed = true;
    },
  };
}

async function makeState(session: SqlSession, { tables, tenant }: Database, genie: string): Promise<string> {
  await session.query(
    `INSERT INTO ${tables.memoryState} (tenant, genie, identity, revision) VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING`,
    [tenant, genie, randomBytes(16).toString('hex')],
  );
  const { rows } = await session.query(`SELECT identity FROM ${tables.memoryState} WHERE tenant = $1 AND genie = $2`, [
    tenant,
    genie,
  ]);
  return rows[0]?.identity as string;
}

interface ChangesRequest {
  readonly database: Database;
  readonly keys: readonly [string, string, string];
  readonly revision: number;
  readonly limit: number;
}

async function readChanges(
  session: SqlSession,
  { database, keys, revision, limit }: ChangesRequest,
): Promise<{ records: StoredRecord[]; removed: string[]; revision: number }> {
  const { tables } = database;
  const found = await session.query(
    `SELECT id, seq, revision, body FROM ${tables.memories} WHERE ${space} AND revision > $4 ORDER BY revision LIMIT $5`,
    [...keys, revision, limit],
  );
  const records = found.rows.map(toRecord);
  const isFull = records.length === limit;
  const upTo = isFull ? (records.at(-1)?.revision ?? revision) : Number.MAX_SAFE_INTEGER;
  const gone = await session.query(
    `SELECT original, revision FROM ${tables.memoryRemovals} WHERE ${space} AND revision > $4 AND revision <= $5 ORDER BY revision`,
    [...keys, revision, upTo],
  );
  const last = Math.max(revision, records.at(-1)?.revision ?? 0, Number(gone.rows.at(-1)?.revision ?? 0));
  return {
    records,
    removed: gone.rows.map((row) => JSON.parse(row.original as string) as string),
    revision: isFull ? upTo : last,
  };
}

function toRecord(row: Readonly<Record<string, unknown>>): StoredRecord {
  const record = JSON.parse(row.body as string) as MemoryRecord;
  return { ...record, seq: Number(row.seq), revision: Number(row.revision) };
}

function toVector(bytes: unknown): Float32Array {
  // A copy: the bytes of the driver need not begin at a multiple of four.
  return new Float32Array(Uint8Array.from(bytes as Uint8Array).buffer);
}
