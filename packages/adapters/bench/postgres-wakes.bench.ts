import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openPostgres } from '@genie/adapters/postgres';
import { createTestDatabase, type TestDatabase } from '../src/lib/postgres/testing/test-databases.ts';
import type { Row } from './row.ts';
import { serverUrl } from './server-url.ts';

const pausedMs = 60_000;

/**
 * 10,000 genies due at one moment, three server processes on one Postgres. One is killed with SIGKILL and one stopped for 60 s while they work.
 * `GENIE_BENCH_GENIES` sets how many.
 */
export async function bench({ log }: { readonly log: (line: string) => void }): Promise<Row[]> {
  const genies = Number(process.env.GENIE_BENCH_GENIES ?? 10_000);
  const database = await createTestDatabase(serverUrl);
  const servers: ChildProcess[] = [];
  try {
    const dueAt = await prepare(database, genies, log);
    for (const name of ['one', 'two', 'three']) servers.push(await startServer(database.url, name));
    await pause(Math.max(0, dueAt - Date.now()));
    const resumed = disturb(database, servers, genies, log);
    await untilStill(database, genies, log);
    await resumed;
    // What the stopped server still held comes now, if it comes at all.
    await pause(5_000);
    return await judge(database, genies, log);
  } finally {
    for (const server of servers) server.kill('SIGKILL');
    await database.drop();
  }
}

async function prepare(database: TestDatabase, genies: number, log: (line: string) => void): Promise<number> {
  const postgres = await openPostgres({ url: database.url });
  await database.query(
    `CREATE TABLE effects (wake_id text, server text, due_at float8, at timestamptz DEFAULT clock_timestamp())`,
  );
  const wakes = await postgres.wakes();
  // The schedules take a while to write; the moment lies behind that.
  const dueAt = Math.ceil((Date.now() + 20_000 + genies * 4) / 60_000) * 60_000;
  const due = new Date(dueAt);
  const cron = `0 ${due.getUTCMinutes()} ${due.getUTCHours()} * * *`;
  const startedAt = performance.now();
  for (let from = 0; from < genies; from += 200) {
    const ids = Array.from({ length: Math.min(200, genies - from) }, (_, index) => `genie-${from + index}`);
    await Promise.all(ids.map((id) => wakes.schedule(id, { cron })));
  }
  log(`${genies} schedules in ${Math.round(performance.now() - startedAt)} ms, due at ${due.toISOString()}`);
  await postgres.close();
  return dueAt;
}

async function startServer(url: string, name: string): Promise<ChildProcess> {
  const server = fork(path.join(import.meta.dirname, 'wake-server.ts'), [url, name]);
  await once(server, 'message');
  return server;
}

async function disturb(
  database: TestDatabase,
  [first, second]: readonly ChildProcess[],
  genies: number,
  log: (line: string) => void,
): Promise<void> {
  await untilDone(database, genies * 0.1);
  first?.kill('SIGKILL');
  log('killed one');
  await untilDone(database, genies * 0.3);
  second?.kill('SIGSTOP');
  log('stopped another');
  await pause(pausedMs);
  second?.kill('SIGCONT');
  log('it goes on');
}

async function untilDone(database: TestDatabase, least: number): Promise<void> {
  while ((await count(database)) < least) await pause(20);
}

async function untilStill(database: TestDatabase, genies: number, log: (line: string) => void): Promise<void> {
  const until = Date.now() + 120_000;
  while ((await count(database)) < genies && Date.now() < until) await pause(250);
  log(`${await count(database)} wakes began`);
}

async function count(database: TestDatabase): Promise<number> {
  return Number((await database.query('SELECT count(*) AS n FROM effects')).rows[0]?.n);
}

async function judge(database: TestDatabase, genies: number, log: (line: string) => void): Promise<Row[]> {
  const { rows } = await database.query(`
    SELECT count(DISTINCT wake_id) AS wakes, count(*) AS effects, max(extract(epoch FROM at) * 1000 - due_at) AS slowest,
      percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM at) * 1000 - due_at) AS middle FROM effects`);
  const [found] = rows;
  const byServer = await database.query('SELECT server, count(*) AS n FROM effects GROUP BY server ORDER BY server');
  log(byServer.rows.map(({ server, n }) => `${server}: ${n}`).join(', '));
  const lost = genies - Number(found?.wakes);
  const doubled = Number(found?.effects) - Number(found?.wakes);
  const slowest = Number(found?.slowest) / 1000;
  const what = `${genies} wakes, 3 servers, one killed, one stopped for 60 s`;
  return [
    { id: 'adapters.wakes.lost', what: `${what}: lost`, value: lost, unit: 'wakes', reach: '≤ 0', ok: lost === 0 },
    {
      id: 'adapters.wakes.doubled',
      what: `${what}: doubled`,
      value: doubled,
      unit: 'wakes',
      reach: '≤ 0',
      ok: doubled === 0,
    },
    {
      id: 'adapters.wakes.slowest',
      what: `${what}: latest beginning`,
      value: slowest,
      unit: 's',
      reach: '≤ 60',
      ok: slowest <= 60,
    },
    {
      id: 'adapters.wakes.median',
      what: `${what}: median beginning`,
      value: Number(found?.middle) / 1000,
      unit: 's',
      reach: null,
      ok: true,
    },
  ];
}
