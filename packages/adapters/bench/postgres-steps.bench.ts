import { openPostgres } from '@genie/adapters/postgres';
import type { Journal, JournalRecord } from '@genie/core/journal';
import pg from 'pg';
import { createTestDatabase } from '../src/lib/postgres/testing/test-databases.ts';
import type { Row } from './row.ts';
import { serverUrl } from './server-url.ts';

const runs = 100;
const stepsPerRun = 200;
const rounds = 3;

/** Durable steps of 100 runs at once on one Postgres: each step waits until the server has it on disk. */
export async function bench({ log }: { readonly log: (line: string) => void }): Promise<Row[]> {
  const database = await createTestDatabase(serverUrl);
  try {
    const bare = await bareInserts(database.url);
    const postgres = await openPostgres({ url: database.url });
    const { journal } = postgres.genie('bench');
    const single: number[] = [];
    const full: number[] = [];
    const latencies: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      single.push(await rate(journal, `one${round}`, (step) => [resultOf(step)], latencies));
      full.push(await rate(journal, `two${round}`, (step) => [answerOf(step), resultOf(step)], []));
      log(
        `round ${round}: ${Math.round(single[round] ?? 0)} steps/s of one record, ${Math.round(full[round] ?? 0)} of answer and result`,
      );
    }
    await postgres.close();
    const settings = await database.query('SHOW fsync');
    log(`fsync ${settings.rows[0]?.fsync}; bare batched insert ${Math.round(bare)} rows/s`);
    const best = median(single);
    return [
      row('adapters.postgres.steps', '100 runs at once, a durable step each', best, 'steps/s', 10_000),
      {
        ...row('adapters.postgres.steps-of-two', 'the same, a step of answer and result', median(full), 'steps/s', 0),
        reach: null,
      },
      {
        ...row('adapters.postgres.bare', 'bare inserts of 100 rows a commit, for comparison', bare, 'rows/s', 0),
        reach: null,
      },
      {
        ...row('adapters.postgres.step-p95', 'wait for one durable step, p95', percentile(latencies, 0.95), 'ms', 0),
        reach: null,
      },
    ];
  } finally {
    await database.drop();
  }
}

async function rate(
  journal: Journal,
  prefix: string,
  recordsOf: (step: number) => readonly JournalRecord[],
  latencies: number[],
): Promise<number> {
  const open = await Promise.all(Array.from({ length: runs }, (_, index) => journal.open(`${prefix}_${index}`)));
  const startedAt = performance.now();
  await Promise.all(
    open.map(async (run) => {
      for (let step = 0; step < stepsPerRun; step += 1) {
        const at = performance.now();
        for (const record of recordsOf(step)) run.append(record);
        await run.settled();
        latencies.push(performance.now() - at);
      }
    }),
  );
  const tookMs = performance.now() - startedAt;
  for (const run of open) run.release();
  return (runs * stepsPerRun * 1000) / tookMs;
}

async function bareInserts(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('CREATE TABLE bare (run text, seq int, body text, PRIMARY KEY (run, seq))');
  const body = JSON.stringify(resultOf(1));
  const startedAt = performance.now();
  for (let batch = 0; batch < 200; batch += 1) {
    await client.query('INSERT INTO bare SELECT * FROM unnest($1::text[], $2::int[], $3::text[])', [
      Array.from({ length: 100 }, (_, index) => `run_${index}`),
      Array.from({ length: 100 }, () => batch),
      Array.from({ length: 100 }, () => body),
    ]);
  }
  const tookMs = performance.now() - startedAt;
  await client.end();
  return (200 * 100 * 1000) / tookMs;
}

function resultOf(step: number): JournalRecord {
  const output = { key: `item-${step}`, page: step, title: 'An entry of the catalogue', found: true };
  return { kind: 'result', callId: `call-${step}`, status: 'completed', output, tookMs: 1 };
}

function answerOf(step: number): JournalRecord {
  return {
    kind: 'answer',
    step,
    at: step,
    content: [{ type: 'call', id: `call-${step}`, tool: 'look-up', input: `{"key":"item-${step}","page":${step}}` }],
    finish: 'tool-calls',
    usage: { inputTokens: 100, outputTokens: 20, cachedInputTokens: 0, modelCalls: 1 },
  };
}

function row(id: string, what: string, value: number, unit: string, least: number): Row {
  return { id, what, value, unit, reach: `≥ ${least}`, ok: value >= least };
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}
