import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliFixture, createCliFixture } from '../testing/cli-fixture.ts';
import { type FeedServer, type NameServer, openFeedServer, openNameServer } from '../testing/feed-server.ts';

const server = process.env.GENIE_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const sql = (
  url: string,
  text: string,
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
  spawnSync('psql', [url, '-Atc', text], { encoding: 'utf8', timeout: 10_000 });

const reached = sql(server, 'SELECT 1');
const skipped = reached.status === 0 ? undefined : `no Postgres by psql: ${reached.stderr ?? 'psql is missing'}`;
if (skipped) console.warn(`skipped: ${skipped}`);

describe.skipIf(skipped)('genie run --store', { timeout: 90_000 }, () => {
  const name = `genie_cli_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  let cli: CliFixture;
  let feed: FeedServer;
  let names: NameServer;
  beforeAll(async () => {
    cli = createCliFixture();
    feed = await openFeedServer(['Parser released', 'Scanner released']);
    names = await openNameServer();
    sql(server, `CREATE DATABASE ${name}`);
  });
  afterAll(async () => {
    sql(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await Promise.all([feed.close(), names.close()]);
    cli.remove();
  });

  it('keeps the run in the database, and goes on there after kill -9', async () => {
    const records = (): string => sql(url.href, 'SELECT count(*) FROM genie.run_records').stdout.trim();
    cli.home('feed', { sources: [{ kind: 'feed', location: feed.url }], egress: { allow: [feed.address] } });
    feed.hold(true);
    const held = cli.start(['run', 'feed', '--store', url.href]);
    await held.printed('woken by hand');
    // The first record is on its way: what is not settled when a process dies was not promised.
    for (let waited = 0; waited < 100 && records() === '0'; waited += 1) await pause(50);
    held.child.kill('SIGKILL');
    await held.ended;
    feed.hold(false);
    expect(sql(url.href, 'SELECT count(*) FROM genie.runs WHERE closed IS NULL').stdout.trim()).toBe('1');
    const resumed = await cli.genie(['resume', 'feed', '--store', url.href]);
    expect(resumed.stdout + resumed.stderr).toContain('Parser released');
    expect(resumed.code).toBe(0);
    expect(sql(url.href, 'SELECT count(*) FROM genie.runs WHERE closed IS NOT NULL').stdout.trim()).toBe('1');
    expect(Number(sql(url.href, 'SELECT count(*) FROM genie.memories').stdout)).toBeGreaterThan(0);
    expect(Number(sql(url.href, 'SELECT count(*) FROM genie.observations').stdout)).toBeGreaterThan(0);
  });

  const outcomeOf = (stdout: string) =>
    JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
      readonly status: string;
      readonly reason: string;
      readonly usage: { readonly modelCalls: number };
    };

  it('knows in the next run what was there before: nothing new is decided without a model', async () => {
    cli.home('again', { sources: [{ kind: 'feed', location: feed.url }], egress: { allow: [feed.address] } });
    const run = async () => outcomeOf((await cli.inProcess(['run', 'again', '--store', url.href, '--json'])).stdout);
    expect(await run()).toMatchObject({ status: 'completed' });
    const second = await run();
    expect([second.status, second.usage.modelCalls]).toEqual(['skipped', 0]);
    feed.setTitles(['Parser released', 'Scanner released', 'Printer released']);
    const third = await cli.inProcess(['run', 'again', '--store', url.href]);
    expect([third.stdout.includes('Printer released'), third.stdout.includes('Parser released')]).toEqual([
      true,
      false,
    ]);
    feed.setTitles(['Parser released', 'Scanner released']);
  });

  it('is where every other command looks, by flag, by genie.json and by variable', async () => {
    const home = cli.home('kept', {
      sources: [{ kind: 'feed', location: `http://news.example.test:${feed.port}/feed.xml` }],
      egress: { allow: [], allowPrivate: [feed.address], resolver: names.address },
      store: 'env:NEWS_DB',
    });
    const environment = { NEWS_DB: url.href };
    const genie = async (...args: string[]) => {
      const { code, stdout } = await cli.inProcess([...args, '--home', home, '--json'], { environment });
      return { code, json: JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') };
    };
    // It has to ask for the host, so the run waits, and the decision is in the database too.
    expect((await genie('run')).code).toBe(3);
    expect((await genie('list')).json.genies[0]).toMatchObject({ status: 'waiting', pendingApprovals: 1 });
    expect((await genie('show')).json).toMatchObject({ keptIn: 'postgres', runs: [{ status: 'waiting' }] });
    expect((await genie('approve')).json.approvals).toHaveLength(1);
    expect((await genie('approve', '--all', '--allow-always', '--resume')).code).toBe(0);
    expect((await genie('egress', 'grants')).json.grants).toHaveLength(1);
    expect((await genie('show', 'last')).json).toMatchObject({ status: 'completed' });
    expect((await genie('memory', 'stats')).json.records).toBeGreaterThan(0);
    expect((await genie('metrics', '--observations', 'items-cited')).json.observations).toHaveLength(1);
    expect((await genie('feedback', '1', '--up')).code).toBe(0);
    expect((await genie('resume')).json).toEqual({ resumed: [] });
    expect((await genie('events', '--type', 'run.ended')).json.type).toBe('run.ended');
    const tried = ['experiment', '--home', home, '--change', '{"type":"sources","remove":["x"]}'];
    const refused = await cli.inProcess(tried, { environment });
    expect([refused.code, refused.stderr.includes('which is not copied')]).toEqual([2, true]);
    const exported = await cli.inProcess(['export', '--home', home, '--to', 'copy'], { environment });
    expect([exported.code, exported.stderr.includes('not in this export')]).toEqual([0, true]);
    const elsewhere = await cli.inProcess(['show', '--home', home, '--store', 'home', '--json']);
    expect(JSON.parse(elsewhere.stdout)).toMatchObject({ keptIn: 'home', runs: [] });
    const unset = await cli.inProcess(['show', '--home', home]);
    expect([unset.code, unset.stderr.includes('NEWS_DB is not set')]).toEqual([2, true]);
    const rows = () => sql(url.href, "SELECT count(*) FROM genie.memories WHERE genie = 'genie_kept'").stdout.trim();
    expect(rows()).not.toBe('0');
    expect((await genie('delete', '--yes')).code).toBe(0);
    expect([rows(), existsSync(home)]).toEqual(['0', false]);
  });

  it('is written into a new genie by the name of its variable, never by its address', async () => {
    const environment = { GENIE_STORE: url.href };
    const made = await cli.inProcess(
      [
        'new',
        'born',
        '--goal',
        'Watch releases',
        '--source',
        `feed:${feed.url}`,
        '--model',
        'offline',
        '--yes',
        '--toolbox',
        'files',
      ],
      { environment },
    );
    expect(made.code).toBe(0);
    const text = readFileSync(join(cli.homes, 'born', 'genie.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ store: 'env:GENIE_STORE', toolbox: { files: true } });
    expect(text).not.toContain('postgres://');
    expect(JSON.parse((await cli.inProcess(['show', 'born', '--json'], { environment })).stdout).keptIn).toBe(
      'postgres',
    );
    const refused = cli.home('leaky', { store: url.href });
    expect((await cli.inProcess(['show', '--home', refused])).stderr).toContain('GENIE_HOME_FILE');
  });

  it('takes no other kind of URL', async () => {
    cli.home('other', {});
    const { code, stderr } = await cli.inProcess(['run', 'other', '--store', 'mysql://x']);
    expect([code, stderr.includes('postgres://')]).toEqual([2, true]);
  });
});
