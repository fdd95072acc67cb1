import { createServer } from 'node:net';
import type { Journal, JournalRecord } from '@genie/core/journal';
import { sampleRecord } from '@genie/memory/conformance';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { migratePostgres } from './migrations/migrate.ts';
import { openPool } from './open-pool.ts';
import { openPostgres, type Postgres, type PostgresOptions } from './open-postgres.ts';
import { createKillablePool } from './testing/killable-pool.ts';
import { createTestDatabase, freshSchema, type TestDatabase, whyNoServer } from './testing/test-databases.ts';

const serverUrl = process.env.GENIE_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const skipped = await whyNoServer(serverUrl);
if (skipped) console.warn(`skipped: ${skipped}`);

const result = (output: string | number): JournalRecord => ({
  kind: 'result',
  callId: 'call',
  status: 'completed',
  output,
  tookMs: 1,
});
const outputs = async (journal: Journal, runId: string): Promise<unknown[]> =>
  (await journal.read(runId)).map((record) => (record.kind === 'result' ? record.output : undefined));

describe.skipIf(skipped)('openPostgres when something is wrong', () => {
  let database: TestDatabase;
  let closers: (() => Promise<void>)[] = [];
  const roles: string[] = [];
  beforeAll(async () => {
    database = await createTestDatabase(serverUrl);
    await (await openPostgres({ url: database.url })).close();
  }, 30_000);
  afterEach(async () => {
    for (const close of closers.reverse()) await close();
    closers = [];
  });
  afterAll(async () => {
    for (const role of roles) await database.query(`DROP OWNED BY ${role} CASCADE`);
    for (const role of roles) await database.query(`DROP ROLE ${role}`);
    await database.drop();
  });
  const open = async (options: Partial<PostgresOptions> = {}): Promise<Postgres> => {
    const postgres = await openPostgres({ url: database.url, migrate: false, maxConnections: 4, ...options });
    closers.push(() => postgres.close());
    return postgres;
  };
  /** From now on the others take every process for gone. */
  const seemGone = () => database.query("UPDATE genie.holders SET seen_at = 'epoch'");
  const roleUrl = async (name: string): Promise<string> => {
    await database.query(`CREATE ROLE ${name} LOGIN`);
    roles.push(name);
    const url = new URL(database.url);
    url.username = name;
    return url.href;
  };

  it('refuses every late record of a holder that was fenced off, and takes all of its runs but that one', async () => {
    const [first, second] = [await open(), await open()];
    const [late, present] = [first.genie('fence').journal, second.genie('fence').journal];
    const other = await late.open('run_other');
    for (let trial = 0; trial < 20; trial += 1) {
      const runId = `run_${trial}`;
      const run = await late.open(runId);
      run.append(result('before'));
      await run.settled();
      await seemGone();
      // The late record and the take-over race: it is either in what the new holder reads, or refused.
      run.append(result('late'));
      const [settled, taken] = await Promise.allSettled([run.settled(), present.open(runId)]);
      if (taken.status === 'rejected') throw taken.reason;
      taken.value.append(result('new'));
      await taken.value.settled();
      const wasLate = settled.status === 'rejected';
      expect(await outputs(present, runId)).toEqual(wasLate ? ['before', 'new'] : ['before', 'late', 'new']);
      if (wasLate)
        expect(settled.reason).toMatchObject({ code: 'GENIE_JOURNAL_FAILED', details: { reason: 'fenced' } });
      else run.append(result('later'));
      await expect(run.settled()).rejects.toMatchObject({ code: 'GENIE_JOURNAL_FAILED' });
      expect(() => run.append(result('again'))).toThrow(expect.objectContaining({ code: 'GENIE_JOURNAL_FAILED' }));
    }
    other.append(result('mine'));
    await other.settled();
    expect(await outputs(late, 'run_other')).toEqual(['mine']);
  }, 60_000);

  it('loses and doubles no record when connections break at any point', async () => {
    const connections = createKillablePool(database.url);
    const postgres = await openPostgres({ pool: connections.pool, migrate: false });
    closers.push(() => postgres.close().then(() => connections.close()));
    const { journal } = postgres.genie('loss');
    const runs = await Promise.all(Array.from({ length: 10 }, (_, index) => journal.open(`run_${index}`)));
    let isDone = false;
    const breaking = (async () => {
      for (let time = 0; !isDone; time += 1) {
        await new Promise((resolve) => setTimeout(resolve, 5 + (time % 7) * 9));
        connections.sever();
        await new Promise((resolve) => setTimeout(resolve, 10));
        connections.heal();
      }
    })();
    await Promise.all(
      runs.map(async (run) => {
        for (let step = 0; step < 40; step += 1) {
          run.append(result(step));
          await run.settled();
        }
      }),
    );
    isDone = true;
    await breaking;
    const wanted = Array.from({ length: 40 }, (_, step) => step);
    for (const run of runs) expect(await outputs(journal, run.runId)).toEqual(wanted);
  }, 60_000);

  it('repeats transactions that the server could not serialize, and says what a full disk means', async () => {
    const postgres = await open({ journalRetryMs: 300 });
    const { journal, memoryStore } = postgres.genie('disk');
    const fail = (table: string, code: string, every: number) =>
      database.query(`
        CREATE SEQUENCE IF NOT EXISTS genie.faults;
        CREATE OR REPLACE FUNCTION genie.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF nextval('genie.faults') % ${every} = 0 THEN RAISE EXCEPTION 'made to fail' USING ERRCODE = '${code}'; END IF;
          RETURN NEW; END $$;
        CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON genie.${table} FOR EACH STATEMENT EXECUTE FUNCTION genie.fail()`);
    await fail('memories', '40001', 2);
    for (let index = 0; index < 10; index += 1)
      await memoryStore.commit({ namespace: 'one', put: [sampleRecord(`r${index}`)] });
    expect(await memoryStore.find({ namespace: 'one' })).toHaveLength(10);
    await database.query('DROP TRIGGER fail ON genie.memories');

    const [run, other] = [await journal.open('run_a'), await journal.open('run_b')];
    run.append(result(1));
    await run.settled();
    await fail('run_records', '53100', 1);
    run.append(result(2));
    await expect(run.settled()).rejects.toMatchObject({
      code: 'GENIE_JOURNAL_FAILED',
      message: expect.stringContaining('the disk of the server is full'),
    });
    await database.query('DROP TRIGGER fail ON genie.run_records');
    expect(() => run.append(result(3))).toThrow(expect.objectContaining({ code: 'GENIE_JOURNAL_FAILED' }));
    other.append(result('fine'));
    await other.settled();
    run.release();
    expect((await journal.open('run_a')).recorded).toEqual([result(1)]);
  }, 30_000);

  it('keeps tenants apart by policy of the database, whatever a statement says', async () => {
    await database.query('GRANT USAGE ON SCHEMA genie TO PUBLIC');
    await database.query('GRANT ALL ON ALL TABLES IN SCHEMA genie TO PUBLIC');
    await database.query('GRANT ALL ON ALL SEQUENCES IN SCHEMA genie TO PUBLIC');
    const url = await roleUrl(`app_${freshSchema()}`);
    const [one, two] = [await open({ url, tenant: 'one' }), await open({ url, tenant: 'two' })];
    expect([one.rowSecurity, (await open()).rowSecurity]).toEqual(['enforced', 'bypassed']);
    await one.genie('g').memoryStore.commit({ namespace: 'n', put: [sampleRecord('a')] });
    const run = await one.genie('g').journal.open('run_a');
    run.append(result('secret'));
    await run.settled();
    expect(await two.genie('g').memoryStore.find({ namespace: 'n' })).toEqual([]);
    await one.genie('g').openMemory().working.set('secret', 1);
    expect(await two.genie('g').openMemory().working.get('secret')).toBeUndefined();
    expect(await two.genie('g').journal.list()).toEqual([]);
    // Of the job queue, which has a schema of its own.
    await expect(one.wakes()).rejects.toMatchObject({
      code: 'GENIE_WAKES_STORE',
      message: expect.stringContaining('lacks rights'),
    });
    await database.query(`GRANT CREATE ON DATABASE ${new URL(url).pathname.slice(1)} TO ${new URL(url).username}`);
    await one.wakes();
    const { pool, close } = await openPool({ url });
    closers.push(close);
    const client = await pool.connect();
    const tables = ['memories', 'run_records', 'working_values', 'holders'];
    const see = async (): Promise<number[]> => {
      const counts: number[] = [];
      for (const table of tables) {
        const { rows } = await client.query(`SELECT count(*) AS n FROM genie.${table} WHERE tenant = 'one' OR true`);
        counts.push(Number(rows[0]?.n));
      }
      return counts;
    };
    expect(await see()).toEqual([0, 0, 0, 0]);
    await client.query("SELECT set_config('genie.tenant', 'two', false)");
    expect((await see()).slice(0, 3)).toEqual([0, 0, 0]);
    await expect(client.query("INSERT INTO genie.leases VALUES ('one', 'k', 'h', 1, now())")).rejects.toMatchObject({
      code: '42501',
    });
    client.release(true);
  }, 30_000);

  it('migrates once when many start at the same time, back, and forward again', async () => {
    const schema = freshSchema();
    const started = await Promise.all(
      Array.from({ length: 4 }, () => openPostgres({ url: database.url, schema, maxConnections: 3 })),
    );
    closers.push(async () => void (await Promise.all(started.map((one) => one.close()))));
    const run = await (started[0] as Postgres).genie('g').journal.open('run_a');
    run.append(result(1));
    await run.settled();
    expect(await (started[3] as Postgres).genie('g').journal.read('run_a')).toEqual([result(1)]);
    for (const one of started) await one.close();
    const { pool, close } = await openPool({ url: database.url });
    closers.push(close);
    const tableCount = async () =>
      Number((await database.query('SELECT count(*) AS n FROM pg_tables WHERE schemaname = $1', [schema])).rows[0]?.n);
    expect(await tableCount()).toBeGreaterThan(15);
    expect((await migratePostgres({ pool, schema, to: 'none' })).applied).toEqual([
      { name: '0002-working', direction: 'down' },
      { name: '0001-first', direction: 'down' },
    ]);
    expect(await tableCount()).toBe(2);
    expect((await migratePostgres({ pool, schema })).applied).toEqual([
      { name: '0001-first', direction: 'up' },
      { name: '0002-working', direction: 'up' },
    ]);
    expect((await migratePostgres({ pool, schema })).applied).toEqual([]);
  }, 60_000);

  it('says what is wrong: no server, a silent one, an unknown user, a role without rights, bad options', async () => {
    const connect = (options: Partial<PostgresOptions>) => openPostgres({ connectTimeoutMs: 300, ...options });
    await expect(connect({ url: 'postgres://127.0.0.1:1/x' })).rejects.toMatchObject({
      code: 'GENIE_POSTGRES_CONNECT',
      message: expect.stringContaining('nobody listens there'),
    });
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const error = await connect({ url: `postgres://user:s3cret-word@127.0.0.1:${port}/x` }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'GENIE_POSTGRES_CONNECT' });
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('s3cret-word');
    silent.close();
    const nobody = new URL(database.url);
    nobody.username = 'nobody_knows_me';
    await expect(connect({ url: nobody.href })).rejects.toMatchObject({ code: 'GENIE_POSTGRES_CONNECT' });
    const url = await roleUrl(`poor_${freshSchema()}`);
    await expect(connect({ url, schema: freshSchema() })).rejects.toMatchObject({
      code: 'GENIE_POSTGRES_MIGRATION',
      message: expect.stringContaining('lacks rights'),
    });
    for (const bad of [
      {},
      { url: 'mysql://x' },
      { url: database.url, schema: 'x"; DROP' },
      { url: database.url, tenant: "a'b" },
    ]) {
      await expect(connect(bad)).rejects.toMatchObject({ code: 'GENIE_POSTGRES_OPTIONS' });
    }
  }, 30_000);

  it('holds values of 10 MB, and names with every trap that a text can hold', async () => {
    const postgres = await open();
    const traps = [
      'a',
      'A',
      'a ',
      'ä',
      'a\u0308',
      'a\u0000',
      'a\\u0000',
      "a'; --",
      '\ud800',
      '🧞',
      'a%',
      'x'.repeat(5_000),
      `${'x'.repeat(4_999)}y`,
    ];
    const huge = 'größe \u0000 '.repeat(1_000_000);
    for (const [index, trap] of traps.entries()) {
      const { memoryStore, metricsStore, journal } = postgres.genie(`trap ${trap}`);
      await memoryStore.commit({
        namespace: trap,
        put: traps.map((id) => sampleRecord(id, { text: `${index}`, subject: id, idempotencyKey: id })),
      });
      await metricsStore.put('change', { id: trap, at: 1, body: { trap } });
      const run = await journal.open('run_a');
      run.append(result(trap));
      await run.settled();
    }
    for (const [index, trap] of traps.entries()) {
      const { memoryStore, metricsStore, journal } = postgres.genie(`trap ${trap}`);
      const found = await memoryStore.get(trap, traps);
      expect(found.map(({ id, text, namespace }) => [id, text, namespace])).toEqual(
        traps.map((id) => [id, `${index}`, trap]),
      );
      expect(await memoryStore.find({ namespace: trap, subject: trap })).toHaveLength(1);
      expect((await metricsStore.records('change', { id: trap })).map(({ body }) => body)).toEqual([{ trap }]);
      expect(await outputs(journal, 'run_a')).toEqual([trap]);
    }
    const { memoryStore, journal } = postgres.genie('huge');
    await memoryStore.commit({ namespace: 'n', put: [sampleRecord('huge', { text: huge })] });
    expect((await memoryStore.get('n', ['huge']))[0]?.text).toBe(huge);
    const run = await journal.open('run_a');
    run.append(result(huge));
    await run.settled();
    expect(await outputs(journal, 'run_a')).toEqual([huge]);
  }, 60_000);
});
