import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliFixture, createCliFixture } from '../testing/cli-fixture.ts';
import { type FeedServer, openFeedServer } from '../testing/feed-server.ts';

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
  beforeAll(async () => {
    cli = createCliFixture();
    feed = await openFeedServer(['Parser released', 'Scanner released']);
    sql(server, `CREATE DATABASE ${name}`);
  });
  afterAll(async () => {
    sql(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await feed.close();
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

  it('takes no other kind of URL', async () => {
    cli.home('other', {});
    const { code, stderr } = await cli.inProcess(['run', 'other', '--store', 'mysql://x']);
    expect([code, stderr.includes('postgres://')]).toEqual([2, true]);
  });
});
