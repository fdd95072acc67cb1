import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgres, type Postgres } from '../open-postgres.ts';
import { createTestDatabase, type TestDatabase, whyNoServer } from '../testing/test-databases.ts';

const serverUrl = process.env.GENIE_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const skipped = await whyNoServer(serverUrl);
if (skipped) console.warn(`skipped: ${skipped}`);

describe.skipIf(skipped)('openMemory of a genie in Postgres', { timeout: 30_000 }, () => {
  let database: TestDatabase;
  let postgres: Postgres;
  beforeAll(async () => {
    database = await createTestDatabase(serverUrl);
    postgres = await openPostgres({ url: database.url, maxConnections: 4 });
  }, 30_000);
  afterAll(async () => {
    await postgres.close();
    await database.drop();
  });

  it('forgets working values that hold what is forgotten, before the records go, and no others', async () => {
    const memory = postgres.genie('forgetful').openMemory();
    await memory.remember({ id: 'one', text: 'Ada moved to Lisbon in May', source: 'chat/7' });
    await memory.working.set('plan', { steps: ['Ada moved to Lisbon in May'] });
    await memory.working.set('gate', { 'feed:a': 'v1' });
    const preview = await memory.forget({ id: 'one' }, { dryRun: true });
    expect([preview.counts.working, await memory.working.get('plan')]).toEqual([
      1,
      { steps: ['Ada moved to Lisbon in May'] },
    ]);
    const { counts } = await memory.forget({ id: 'one' });
    expect(counts.working).toBe(1);
    expect([await memory.working.get('plan'), await memory.working.get('gate')]).toEqual([
      undefined,
      { 'feed:a': 'v1' },
    ]);
    const { rows } = await database.query('SELECT value FROM genie.working_values WHERE genie = $1', ['forgetful']);
    expect(JSON.stringify(rows)).not.toContain('Lisbon');
    await memory.close();
    await expect(memory.working.get('gate')).rejects.toMatchObject({ code: 'GENIE_MEMORY_CLOSED' });
  });

  it('forgets what another process wrote meanwhile, and does not bring back what it deleted', async () => {
    const [mine, theirs] = [postgres.genie('shared').openMemory(), postgres.genie('shared').openMemory()];
    await mine.remember([
      { id: 'one', text: 'Bob sold the red boat' },
      { id: 'two', text: 'Eve bought the blue house' },
    ]);
    await mine.working.set('seen', 'Bob sold the red boat');
    await mine.forget({ id: 'one' });
    await theirs.working.set('seen', 'Eve bought the blue house');
    await theirs.working.set('kept', 1);
    await mine.forget({ id: 'two' });
    expect([await theirs.working.get('seen'), await theirs.working.get('kept')]).toEqual([undefined, 1]);
    await Promise.all([mine.close(), theirs.close()]);
  });

  it('goes with its genie, and leaves others alone', async () => {
    for (const id of ['gone', 'staying']) {
      const { openMemory, journal, metricsStore, approvals } = postgres.genie(id);
      const memory = openMemory();
      await memory.remember({ text: 'Kim plays the cello' });
      await memory.working.set('gate', 1);
      await memory.close();
      await metricsStore.put('change', { id: 'one', at: 1, body: {} });
      await approvals.request({ action: { kind: 'tool', genieId: id, subject: 'x', payload: {} }, title: 'Ask' });
      const run = await journal.open('run_1');
      run.append({ kind: 'opened', at: 1, meta: {} });
      await run.settled();
      run.release();
    }
    await postgres.removeGenie('gone');
    const { rows } = await database.query(
      "SELECT table_name FROM information_schema.columns WHERE table_schema = 'genie' AND column_name = 'genie'",
    );
    const counts = async (genie: string) => {
      const found: number[] = [];
      for (const { table_name } of rows)
        found.push(
          Number(
            (await database.query(`SELECT count(*) AS n FROM genie.${table_name} WHERE genie = $1`, [genie])).rows[0].n,
          ),
        );
      return found.filter((n) => n > 0).length;
    };
    expect([rows.length > 15, await counts('gone'), (await counts('staying')) >= 6]).toEqual([true, 0, true]);
  });

  it('refuses working values of a holder whose turn is over, and values above 4 MiB', async () => {
    const lease = await postgres.leases.acquire('turn', { ttlMs: 50 });
    if (!lease) throw new Error('the lease was free');
    const memory = postgres.genie('fenced', { lease }).openMemory();
    await memory.working.set('cursor', 1);
    await expect(memory.working.set('cursor', 'x'.repeat(4 * 1024 * 1024))).rejects.toMatchObject({
      code: 'GENIE_MEMORY_INPUT',
    });
    await new Promise((resolve) => setTimeout(resolve, 60));
    const next = await postgres.leases.acquire('turn', { ttlMs: 60_000 });
    await expect(memory.working.set('cursor', 2)).rejects.toMatchObject({ code: 'GENIE_LEASE_LOST' });
    await expect(memory.working.delete('cursor')).rejects.toMatchObject({ code: 'GENIE_LEASE_LOST' });
    expect(await memory.working.get('cursor')).toBe(1);
    await next?.release();
    await memory.close();
  });
});
