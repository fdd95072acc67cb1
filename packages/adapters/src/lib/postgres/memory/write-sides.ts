import { type CommitReceipt, keptOperations } from '@genie/memory';
import { toJsonText, toKey } from '../storable-text.ts';
import type { Commit } from './commit.ts';

const where = 'WHERE tenant = $1 AND genie = $2 AND namespace = $3';

/** What a batch writes beside its records: queued work, vectors, the operation that can be undone. */
export async function writeSides(commit: Commit, results: CommitReceipt['results']): Promise<void> {
  await writeOutbox(commit, results);
  await writeVectors(commit);
  await writeOperation(commit);
}

async function writeOutbox(
  { session, database, batch, space }: Commit,
  results: CommitReceipt['results'],
): Promise<void> {
  const { memoryOutbox } = database.tables;
  if (batch.dequeue?.length) {
    await session.query(`DELETE FROM ${memoryOutbox} ${where} AND id = ANY($4::text[])`, [
      ...space,
      batch.dequeue.map(toKey),
    ]);
  }
  const refused = new Set(
    results.filter(({ status }) => status === 'forgotten' || status === 'duplicate').map(({ id }) => `embed:${id}`),
  );
  // The last of two entries with one id counts, as when they come one after the other.
  const entries = [...new Map((batch.enqueue ?? []).map((entry) => [entry.id, entry])).values()].filter(
    ({ id }) => !refused.has(id),
  );
  if (entries.length === 0) return;
  await session.query(
    `INSERT INTO ${memoryOutbox} (tenant, genie, namespace, id, body) SELECT $1, $2, $3, * FROM unnest($4::text[], $5::text[])
     ON CONFLICT (tenant, genie, namespace, id) DO UPDATE SET body = excluded.body`,
    [...space, entries.map(({ id }) => toKey(id)), entries.map(toJsonText)],
  );
}

/** A vector without its record would be a leak, so a record that went away meanwhile takes its vector with it. */
async function writeVectors({ session, database, batch, space }: Commit): Promise<void> {
  const { memories, memoryVectors } = database.tables;
  const rows = [...new Map((batch.vectors ?? []).map((row) => [JSON.stringify([row.model, row.id]), row])).values()];
  if (rows.length === 0) return;
  await session.query(
    `INSERT INTO ${memoryVectors} (tenant, genie, namespace, model, id, original, vector)
     SELECT $1, $2, $3, v.model, v.id, v.original, v.vector
     FROM unnest($4::text[], $5::text[], $6::text[], $7::bytea[]) AS v (model, id, original, vector)
     WHERE EXISTS (SELECT 1 FROM ${memories} m WHERE m.tenant = $1 AND m.genie = $2 AND m.namespace = $3 AND m.id = v.id)
     ON CONFLICT (tenant, genie, namespace, model, id) DO UPDATE SET vector = excluded.vector`,
    [
      ...space,
      rows.map(({ model }) => toKey(model)),
      rows.map(({ id }) => toKey(id)),
      rows.map(({ id }) => toJsonText(id)),
      rows.map(({ vector }) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)),
    ],
  );
}

async function writeOperation({ session, database, batch, space }: Commit): Promise<void> {
  const { operation } = batch;
  if (!operation) return;
  const { memoryOperations } = database.tables;
  await session.query(
    `INSERT INTO ${memoryOperations} (tenant, genie, namespace, id, at, body) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (tenant, genie, namespace, id) DO UPDATE SET at = excluded.at, body = excluded.body`,
    [...space, toKey(operation.id), operation.at, toJsonText(operation)],
  );
  await session.query(
    `DELETE FROM ${memoryOperations} ${where} AND id NOT IN (
       SELECT id FROM ${memoryOperations} ${where} ORDER BY at DESC, id DESC LIMIT $4)`,
    [...space, keptOperations],
  );
}
