import { GenieError } from '@genie/core/errors';
import type { CommitReceipt, MemoryRecord, PutStatus } from '@genie/memory';
import { toJsonText, toKey, toShownText } from '../storable-text.ts';
import type { Commit } from './commit.ts';
import { writeSides } from './write-sides.ts';

/** As much as a full text entry takes, far below the server's limit of 1 MB. */
const indexedLength = 100_000;

/** Everything in the batch or nothing. One commit of a genie at a time: revisions become visible in their order. */
export async function commitBatch(commit: Commit): Promise<CommitReceipt> {
  const { session, database, genie, batch } = commit;
  const { tables, tenant } = database;
  const state = await session.query(
    `SELECT revision FROM ${tables.memoryState} WHERE tenant = $1 AND genie = $2 FOR UPDATE`,
    [tenant, genie],
  );
  await checkExpectations(commit);
  let revision = Number(state.rows[0]?.revision ?? 0) + 1;
  await changeMarks(commit);
  const removed = await removeRecords(commit, revision);
  const results: { id: string; status: PutStatus }[] = [];
  const banned = await bannedRecords(commit);
  for (const [index, record] of (batch.put ?? []).entries()) {
    revision += 1;
    if (banned.has(index)) results.push({ id: record.id, status: 'forgotten' });
    else results.push(await putRecord(commit, { ...record, namespace: batch.namespace }, revision));
  }
  await writeSides(commit, results);
  await session.query(`UPDATE ${tables.memoryState} SET revision = $3 WHERE tenant = $1 AND genie = $2`, [
    tenant,
    genie,
    revision,
  ]);
  return { revision, results, removed };
}

async function checkExpectations({ session, database, batch, space }: Commit): Promise<void> {
  const { expect = [] } = batch;
  if (expect.length === 0) return;
  const { rows } = await session.query(
    `SELECT id, revision FROM ${database.tables.memories} WHERE tenant = $1 AND genie = $2 AND namespace = $3 AND id = ANY($4::text[])`,
    [...space, expect.map(({ id }) => toKey(id))],
  );
  const found = new Map(rows.map((row) => [row.id, Number(row.revision)]));
  for (const { id, revision } of expect) {
    const now = found.get(toKey(id)) ?? 0;
    if (now === revision) continue;
    throw new GenieError(
      'GENIE_MEMORY_CONFLICT',
      `Memory ${JSON.stringify(id)} was changed meanwhile (expected revision ${revision}, found ${now || 'none'}). Read it again and repeat.`,
      { details: { id, expected: revision, found: now } },
    );
  }
}

async function changeMarks({ session, database, batch, space }: Commit): Promise<void> {
  const { memoryForgotten } = database.tables;
  if (batch.allow?.length) {
    await session.query(
      `DELETE FROM ${memoryForgotten} WHERE tenant = $1 AND genie = $2 AND namespace = $3 AND fingerprint = ANY($4::text[])`,
      [...space, batch.allow.map(toKey)],
    );
  }
  if (batch.forget?.length) {
    await session.query(
      `INSERT INTO ${memoryForgotten} (tenant, genie, namespace, fingerprint) SELECT $1, $2, $3, unnest($4::text[]) ON CONFLICT DO NOTHING`,
      [...space, batch.forget.map(toKey)],
    );
  }
}

async function removeRecords({ session, database, batch, space }: Commit, revision: number): Promise<number> {
  const { remove = [] } = batch;
  if (remove.length === 0) return 0;
  const { tables } = database;
  const keys = remove.map(toKey);
  const where = 'WHERE tenant = $1 AND genie = $2 AND namespace = $3';
  const { rowCount } = await session.query(`DELETE FROM ${tables.memories} ${where} AND id = ANY($4::text[])`, [
    ...space,
    keys,
  ]);
  await session.query(`DELETE FROM ${tables.memoryVectors} ${where} AND id = ANY($4::text[])`, [...space, keys]);
  await session.query(`DELETE FROM ${tables.memoryOutbox} ${where} AND id = ANY($4::text[])`, [
    ...space,
    remove.map((id) => toKey(`embed:${id}`)),
  ]);
  await session.query(
    `INSERT INTO ${tables.memoryRemovals} (tenant, genie, namespace, revision, id, original)
     SELECT $1, $2, $3, $4, * FROM unnest($5::text[], $6::text[]) ON CONFLICT DO NOTHING`,
    [...space, revision, keys, remove.map(toJsonText)],
  );
  return rowCount ?? 0;
}

/** Places in `put` of records whose mark was forgotten. */
async function bannedRecords({ session, database, batch, space }: Commit): Promise<ReadonlySet<number>> {
  const { put = [], fingerprintsOf } = batch;
  if (!fingerprintsOf || put.length === 0) return new Set();
  const { memoryForgotten } = database.tables;
  const where = 'WHERE tenant = $1 AND genie = $2 AND namespace = $3';
  const any = await session.query(`SELECT 1 FROM ${memoryForgotten} ${where} LIMIT 1`, [...space]);
  if (any.rows.length === 0) return new Set();
  const marks = put.map((record) => fingerprintsOf(record).map(toKey));
  const { rows } = await session.query(
    `SELECT fingerprint FROM ${memoryForgotten} ${where} AND fingerprint = ANY($4::text[])`,
    [...space, marks.flat()],
  );
  const found = new Set(rows.map((row) => row.fingerprint as string));
  return new Set(marks.flatMap((list, index) => (list.some((mark) => found.has(mark)) ? [index] : [])));
}

async function putRecord(
  { session, database, space }: Commit,
  record: MemoryRecord,
  revision: number,
): Promise<{ id: string; status: PutStatus }> {
  const { memories } = database.tables;
  const idempotencyKey = record.idempotencyKey === undefined ? null : toKey(record.idempotencyKey);
  if (idempotencyKey !== null) {
    const { rows } = await session.query(
      `SELECT id, body FROM ${memories} WHERE tenant = $1 AND genie = $2 AND namespace = $3 AND idempotency_key = $4`,
      [...space, idempotencyKey],
    );
    const [taken] = rows;
    if (taken && taken.id !== toKey(record.id)) {
      return { id: (JSON.parse(taken.body as string) as MemoryRecord).id, status: 'duplicate' };
    }
  }
  const { rows } = await session.query(
    `INSERT INTO ${memories} (tenant, genie, namespace, id, revision, tier, kind, status, happened_at, subject, relation, source, run_id,
       idempotency_key, body, words)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, to_tsvector('simple', $16))
     ON CONFLICT (tenant, genie, namespace, id) DO UPDATE SET revision = excluded.revision, tier = excluded.tier, kind = excluded.kind,
       status = excluded.status, happened_at = excluded.happened_at, subject = excluded.subject, relation = excluded.relation,
       source = excluded.source, run_id = excluded.run_id, idempotency_key = excluded.idempotency_key, body = excluded.body,
       words = excluded.words
     RETURNING xmax = 0 AS is_new`,
    [...space, ...columnsOf(record, revision), idempotencyKey, toJsonText(record), shown(record.text)],
  );
  return { id: record.id, status: rows[0]?.is_new === true ? 'stored' : 'replaced' };
}

function columnsOf(record: MemoryRecord, revision: number): readonly unknown[] {
  const key = (text: string | undefined): string | null => (text === undefined ? null : toKey(text));
  return [
    toKey(record.id),
    revision,
    record.tier,
    toKey(record.kind),
    record.status,
    record.eventTime ?? record.recordedAt,
    key(record.subject),
    key(record.relation),
    key(record.source),
    key(record.runId),
  ];
}

function shown(text: string): string {
  return toShownText(text.slice(0, indexedLength));
}
