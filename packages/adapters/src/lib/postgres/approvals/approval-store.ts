import type { ApprovalRow, ApprovalStore, Grant, Settlement, StoredApproval } from '@genie/core/ports';
import type { Database } from '../database.ts';
import { guarded } from '../describe-failure.ts';
import type { SqlSession } from '../postgres-client.ts';
import type { Presence } from '../presence.ts';
import { toJsonText, toKey } from '../storable-text.ts';

export interface PostgresApprovalStoreDeps {
  readonly database: Database;
  readonly presence: Presence;
  readonly genie: string;
}

const pollWithoutNotificationsMs = 500;
const columns = 'body, settlement, used_at';

/** Approval rows and grants of one genie. Every decision, use and revocation is one statement that only one process can win. */
export function createPostgresApprovalStore({ database, presence, genie }: PostgresApprovalStoreDeps): ApprovalStore {
  const { tables, tenant } = database;
  const channel = channelOf(database);
  const owner = [tenant, genie];
  const where = 'WHERE tenant = $1 AND genie = $2';
  const run = <Result>(what: string, work: (session: SqlSession) => Promise<Result>): Promise<Result> =>
    guarded('GENIE_APPROVAL_STORE', what, () => database.transaction(work));
  const change = <Result>(what: string, work: (session: SqlSession) => Promise<Result>): Promise<Result> =>
    run(what, async (session) => {
      const result = await work(session);
      await session.query('SELECT pg_notify($1, $2)', [channel, '']);
      return result;
    });
  return {
    claim: (key, row, isOpen) =>
      change('store a request', async (session) => {
        await session.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 1))', [
          JSON.stringify([database.schema, tenant, genie, key]),
        ]);
        const { rows } = await session.query(
          `SELECT ${columns} FROM ${tables.approvals} ${where} AND claim_key = $3 ORDER BY number DESC LIMIT 1`,
          [...owner, toKey(key)],
        );
        const newest = rows[0] && toStored(rows[0]);
        if (newest && isOpen(newest)) return newest;
        await session.query(
          `INSERT INTO ${tables.approvals} (tenant, genie, id, claim_key, body) VALUES ($1, $2, $3, $4, $5)`,
          [...owner, row.id, toKey(key), toJsonText(row)],
        );
        return { row, used: false };
      }),
    read: (id) =>
      run('read a request', async (session) => {
        const { rows } = await session.query(`SELECT ${columns} FROM ${tables.approvals} ${where} AND id = $3`, [
          ...owner,
          id,
        ]);
        return rows[0] && toStored(rows[0]);
      }),
    readAll: () =>
      run('read the requests', async (session) => {
        const { rows } = await session.query(
          `SELECT ${columns} FROM ${tables.approvals} ${where} ORDER BY number`,
          owner,
        );
        return rows.map(toStored);
      }),
    settle: (id, settlement) =>
      change('store a decision', async (session) => {
        const { rowCount } = await session.query(
          `UPDATE ${tables.approvals} SET settlement = $4 ${where} AND id = $3 AND settlement IS NULL`,
          [...owner, id, toJsonText(settlement)],
        );
        return rowCount === 1;
      }),
    use: (id, at) =>
      change('use an approval', async (session) => {
        const { rowCount } = await session.query(
          `UPDATE ${tables.approvals} SET used_at = $4 ${where} AND id = $3 AND used_at IS NULL`,
          [...owner, id, at],
        );
        return rowCount === 1;
      }),
    grants: () =>
      run('read the grants', async (session) => {
        const { rows } = await session.query(
          `SELECT body FROM ${tables.grants} ${where} AND NOT revoked AND body IS NOT NULL ORDER BY number`,
          owner,
        );
        return rows.map((row) => deepFreeze(JSON.parse(row.body as string) as Grant));
      }),
    addGrant: (grant) =>
      change('store a grant', async (session) => {
        await session.query(
          `INSERT INTO ${tables.grants} (tenant, genie, id, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
          [...owner, toKey(grant.id), toJsonText(grant)],
        );
      }),
    removeGrant: (id) => change('revoke a grant', (session) => revoke(session, { database, genie, id })),
    watch: (onChange) => presence.listen(channel, onChange),
    pollMs: () => (presence.isListening ? undefined : pollWithoutNotificationsMs),
    close: async () => undefined,
  };
}

/** One channel for the tenant of a schema; whoever is woken looks at its own rows. */
function channelOf({ schema, tenant }: Database): string {
  return `${schema}_approvals_${tenant}`.replaceAll(/[^a-zA-Z0-9_]/g, '_').slice(0, 60);
}

/** A grant that is revoked before it is written stays revoked: its row is the mark. */
async function revoke(
  session: SqlSession,
  { database, genie, id }: { readonly database: Database; readonly genie: string; readonly id: string },
): Promise<boolean> {
  const { tables, tenant } = database;
  const key = [tenant, genie, toKey(id)];
  const { rowCount } = await session.query(
    `UPDATE ${tables.grants} SET revoked = true WHERE tenant = $1 AND genie = $2 AND id = $3 AND NOT revoked`,
    key,
  );
  if (rowCount === 1) return true;
  await session.query(
    `INSERT INTO ${tables.grants} (tenant, genie, id, revoked) VALUES ($1, $2, $3, true) ON CONFLICT DO NOTHING`,
    key,
  );
  return false;
}

function toStored(row: Readonly<Record<string, unknown>>): StoredApproval {
  const settlement = row.settlement === null ? undefined : (JSON.parse(row.settlement as string) as Settlement);
  return {
    row: deepFreeze(JSON.parse(row.body as string) as ApprovalRow),
    ...(settlement ? { settlement: deepFreeze(settlement) } : {}),
    used: row.used_at !== null,
  };
}

/** Callers get what others got as well. */
function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
