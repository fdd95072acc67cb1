import { GenieError } from '@genie/core/errors';
import type { VectorMatch, VectorStore } from '@genie/memory';
import { checkVector } from '../../vectors/check-vector.ts';
import type { Database } from '../database.ts';
import { guarded } from '../describe-failure.ts';
import type { SqlSession } from '../postgres-client.ts';
import { toJsonText, toKey } from '../storable-text.ts';

export interface PgvectorRequest {
  readonly database: Database;
  readonly genie: string;
  readonly namespace: string;
  readonly model: string;
  readonly dimension: number;
}

/** Above this many vectors of one namespace the HNSW index is asked instead of all of them. */
const exactUpTo = 20_000;
/** pgvector's HNSW takes no more dimensions. */
const maxIndexed = 2_000;
/** Similarities that 32-bit floats cannot tell apart. */
const sameSimilarity = 1e-6;

/** True when pgvector is there, or could be put there by this role. */
export async function preparePgvector(database: Database): Promise<boolean> {
  try {
    await database.transaction((session) => session.query('CREATE EXTENSION IF NOT EXISTS vector'));
    return true;
  } catch {
    return false;
  }
}

/** The vectors of one namespace and model in pgvector, with an HNSW index for each dimension. */
export async function openPgvectorStore(request: PgvectorRequest): Promise<VectorStore> {
  const { database, genie, namespace, model, dimension } = request;
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > 16_000)
    throw new GenieError('GENIE_MEMORY_VECTOR', `pgvector takes 1 to 16,000 dimensions, not ${dimension}.`);
  const run = <Result>(what: string, work: (session: SqlSession) => Promise<Result>): Promise<Result> =>
    guarded('GENIE_MEMORY_STORE', what, () => database.transaction(work));
  const table = `"${database.schema}"."vectors_${dimension}"`;
  const key = [database.tenant, genie, toKey(namespace), toKey(model)];
  const where = 'tenant = $1 AND genie = $2 AND namespace = $3 AND model = $4';
  await run('make the table of vectors', (session) => makeTable(session, database.schema, dimension));
  const ids = await run('read the ids of the vectors', async (session) => {
    const { rows } = await session.query(`SELECT original FROM ${table} WHERE ${where}`, key);
    return new Set(rows.map((row) => JSON.parse(row.original as string) as string));
  });
  return {
    capabilities: { name: 'pgvector', exact: ids.size <= exactUpTo, maxVectors: 10_000_000 },
    dimension,
    get size() {
      return ids.size;
    },
    has: (id) => ids.has(id),
    async add(rows) {
      const last = [...new Map(rows.map((row) => [row.id, row])).values()];
      const vectors = last.map(({ id, vector }) => toText(checkVector(vector, dimension, JSON.stringify(id))));
      await run('add vectors', (session) =>
        session.query(
          `INSERT INTO ${table} (tenant, genie, namespace, model, id, original, vector)
           SELECT $1, $2, $3, $4, id, original, vector::vector FROM unnest($5::text[], $6::text[], $7::text[]) AS v (id, original, vector)
           ON CONFLICT (tenant, genie, namespace, model, id) DO UPDATE SET vector = excluded.vector`,
          [...key, last.map(({ id }) => toKey(id)), last.map(({ id }) => toJsonText(id)), vectors],
        ),
      );
      for (const { id } of last) ids.add(id);
    },
    async remove(gone) {
      await run('remove vectors', (session) =>
        session.query(`DELETE FROM ${table} WHERE ${where} AND id = ANY($5::text[])`, [...key, gone.map(toKey)]),
      );
      for (const id of gone) ids.delete(id);
    },
    async search(vector, k, { signal } = {}) {
      signal?.throwIfAborted();
      const query = toText(checkVector(vector, dimension, 'the query'));
      // Adding zero keeps the planner from an index, whose answers are only nearly the nearest.
      const distance = ids.size <= exactUpTo ? '(vector <=> $5::vector) + 0' : 'vector <=> $5::vector';
      const found = await run('search vectors', async (session) => {
        await session.query("SELECT set_config('hnsw.ef_search', '200', true)");
        return session.query(
          `SELECT original, 1 - (vector <=> $5::vector) AS similarity FROM ${table} WHERE ${where} ORDER BY ${distance} LIMIT $6`,
          [...key, query, Math.max(0, k)],
        );
      });
      return found.rows.map(toMatch).sort(bestFirst);
    },
    close: async () => undefined,
  };
}

/** One at a time: two first users of a dimension may come together. */
async function makeTable(session: SqlSession, schema: string, dimension: number): Promise<void> {
  const name = `vectors_${dimension}`;
  const table = `"${schema}"."${name}"`;
  await session.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 2))', [table]);
  const known = await session.query('SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2', [schema, name]);
  if (known.rows.length > 0) return;
  const text = 'text COLLATE "C" NOT NULL';
  await session.query(
    `CREATE TABLE ${table} (tenant ${text}, genie ${text}, namespace ${text}, model ${text}, id ${text}, original text NOT NULL,
       vector vector(${dimension}) NOT NULL, PRIMARY KEY (tenant, genie, namespace, model, id))`,
  );
  if (dimension <= maxIndexed) await session.query(`CREATE INDEX ON ${table} USING hnsw (vector vector_cosine_ops)`);
  await session.query(`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`);
  await session.query(`ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`);
  await session.query(
    `CREATE POLICY own_tenant ON ${table} USING (tenant = current_setting('genie.tenant', true))
       WITH CHECK (tenant = current_setting('genie.tenant', true))`,
  );
}

function toText(vector: readonly number[]): string {
  return `[${vector.join(',')}]`;
}

function toMatch(row: Readonly<Record<string, unknown>>): VectorMatch {
  return { id: JSON.parse(row.original as string) as string, similarity: Number(row.similarity) };
}

function bestFirst(left: VectorMatch, right: VectorMatch): number {
  const difference = right.similarity - left.similarity;
  if (Math.abs(difference) > sameSimilarity) return difference;
  return left.id < right.id ? -1 : 1;
}
