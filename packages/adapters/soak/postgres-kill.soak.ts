import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openPostgres, type Postgres } from '@genie/adapters/postgres';
import type { Row } from '../bench/row.ts';
import { serverUrl } from '../bench/server-url.ts';
import { createTestDatabase, type TestDatabase } from '../src/lib/postgres/testing/test-databases.ts';

const moments = ['before', 'sent', 'after'] as const;
const commitPoints = 60;

/**
 * Two replicas on one Postgres; in each trial one of them kills itself with SIGKILL at a commit: every commit of its first seconds in turn, before it is
 * sent, while it is under way, and when it is done. The other one goes on. In the end everything must be there, once.
 */
export async function soak({
  trials,
  log,
}: {
  readonly trials: number;
  readonly log: (line: string) => void;
}): Promise<Row[]> {
  const database = await createTestDatabase(serverUrl);
  const survivors: ChildProcess[] = [];
  let asked = 0;
  let killed = 0;
  try {
    const postgres = await prepare(database);
    const wakes = await postgres.wakes();
    for (let trial = 0; trial < trials; trial += 1) {
      if (trial % 10 === 0) survivors.splice(0, 1, await restart(database.url, survivors[0]));
      const dueAt = Date.now();
      await Promise.all(Array.from({ length: 5 }, (_, index) => wakes.wakeAt(`genie-${trial}-${index}`, dueAt)));
      asked += 5;
      const moment = moments[trial % moments.length] ?? 'before';
      if (await dies(database.url, 1 + (Math.floor(trial / moments.length) % commitPoints), moment)) killed += 1;
      if ((trial + 1) % 50 === 0) log(`${trial + 1} trials, ${killed} killed by themselves`);
    }
    await untilWoken(database, asked);
    for (const survivor of survivors) survivor.kill('SIGKILL');
    const problems = await findProblems(database, postgres, asked);
    for (const problem of problems.slice(0, 20)) log(problem);
    const [facts] = (await database.query('SELECT count(*) AS effects, sum(times) AS asked FROM sink')).rows;
    log(`${killed} of ${trials} killed at a commit; ${facts?.effects} effects, asked for ${facts?.asked} times`);
    await postgres.close();
    const value = problems.length;
    return [
      {
        id: 'adapters.kill.problems',
        what: `${trials} kills at commits, 2 replicas: effects doubled or lost, late writes, wakes lost or doubled`,
        value,
        unit: 'problems',
        reach: '≤ 0',
        ok: value === 0,
      },
      {
        id: 'adapters.kill.killed',
        what: 'trials that were killed at their commit',
        value: killed,
        unit: 'trials',
        reach: null,
        ok: true,
      },
    ];
  } finally {
    for (const survivor of survivors) survivor.kill('SIGKILL');
    await database.drop();
  }
}

async function prepare(database: TestDatabase): Promise<Postgres> {
  const postgres = await openPostgres({ url: database.url });
  await database.query('CREATE TABLE sink (key text PRIMARY KEY, times int NOT NULL DEFAULT 1)');
  await database.query('CREATE TABLE consumed (id text NOT NULL)');
  await database.query('CREATE TABLE woken (id text NOT NULL)');
  return postgres;
}

function start(url: string, at: number, when: string): ChildProcess {
  return fork(path.join(import.meta.dirname, 'postgres-victim.ts'), [url, `${at}`, when]);
}

async function restart(url: string, former: ChildProcess | undefined): Promise<ChildProcess> {
  former?.kill('SIGKILL');
  const survivor = start(url, 0, 'never');
  await once(survivor, 'message');
  return survivor;
}

/** True when the replica died of its own hand; one that never reaches the commit is killed wherever it is. */
async function dies(url: string, at: number, when: string): Promise<boolean> {
  const victim = start(url, at, when);
  const ended = once(victim, 'exit');
  const died = await Promise.race([ended.then(() => true), pause(8_000, false)]);
  if (!died) victim.kill('SIGKILL');
  await ended;
  return died;
}

async function untilWoken(database: TestDatabase, asked: number): Promise<void> {
  for (let waited = 0; waited < 300; waited += 1) {
    const { rows } = await database.query('SELECT count(DISTINCT id) AS n FROM woken');
    if (Number(rows[0]?.n) >= asked) return;
    await pause(200);
  }
}

async function findProblems(database: TestDatabase, postgres: Postgres, asked: number): Promise<string[]> {
  const problems: string[] = [];
  const count = async (sql: string): Promise<number> => Number((await database.query(sql)).rows[0]?.n);
  const woken = await count('SELECT count(DISTINCT id) AS n FROM woken');
  if (woken !== asked) problems.push(`${asked - woken} wakes lost`);
  const twice = (await count('SELECT count(*) AS n FROM woken')) - woken;
  if (twice > 0) problems.push(`${twice} wakes doubled`);
  const consumedTwice = await count('SELECT count(*) - count(DISTINCT id) AS n FROM consumed');
  if (consumedTwice > 0) problems.push(`${consumedTwice} approvals used twice`);
  const { journal, memoryStore } = postgres.genie('soak');
  for (const { runId } of await journal.list()) problems.push(...(await findRunProblems(database, journal, runId)));
  const late = await memoryStore.find({ namespace: 'lease' });
  for (const [index, { data, id }] of late.entries()) {
    const before = late[index - 1]?.data?.generation as number | undefined;
    if (before !== undefined && (data?.generation as number) < before)
      problems.push(`late write ${id} behind generation ${before}`);
  }
  return problems;
}

async function findRunProblems(
  database: TestDatabase,
  journal: ReturnType<Postgres['genie']>['journal'],
  runId: string,
): Promise<string[]> {
  const records = await journal.read(runId);
  const steps = records.flatMap((record) => (record.kind === 'result' ? [Number(record.callId)] : []));
  const problems: string[] = [];
  if (records[0]?.kind !== 'opened') problems.push(`${runId} has lost its beginning`);
  if (steps.some((step, index) => step !== index)) problems.push(`${runId} has steps ${steps.join(',')}`);
  const { rows } = await database.query('SELECT count(*) AS n FROM sink WHERE key LIKE $1', [`${runId}/%`]);
  if (Number(rows[0]?.n) < steps.length) problems.push(`${runId} recorded an effect that did not happen`);
  if (records.filter(({ kind }) => kind === 'closed').length > 1) problems.push(`${runId} closed twice`);
  return problems;
}
