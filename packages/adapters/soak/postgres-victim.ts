import { openPostgres, type PostgresClient, type PostgresPool } from '@genie/adapters/postgres';
import { GenieError } from '@genie/core/errors';
import pg from 'pg';

/**
 * One replica of the soak. Works on runs, approvals, a lease and wakes without end, and kills itself with SIGKILL at the commit it was told: before it is
 * sent, right after it was sent, or when its answer is there.
 */
const [url = '', at = '0', when = 'before'] = process.argv.slice(2);
const killAt = Number(at);
let commits = 0;

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

function deadlyPool(): PostgresPool {
  const real = new pg.Pool({ connectionString: url, max: 8 });
  real.on('error', () => undefined);
  const wrap = (client: pg.PoolClient): PostgresClient =>
    ({
      query: async (text: string, values?: unknown[]) => {
        if (text !== 'COMMIT') return client.query(text, values);
        commits += 1;
        if (commits === killAt && when === 'before') die();
        const answer = client.query(text, values);
        // Long enough for the bytes to leave, short of the answer.
        if (commits === killAt && when === 'sent') setImmediate(die);
        const result = await answer;
        if (commits === killAt && when === 'after') die();
        return result;
      },
      release: (error?: Error | boolean) => client.release(error),
      on: client.on.bind(client),
      off: client.off.bind(client),
    }) as unknown as PostgresClient;
  return {
    connect: async () => wrap(await real.connect()),
    end: () => real.end(),
    on: real.on.bind(real),
  } as unknown as PostgresPool;
}

const postgres = await openPostgres({ pool: deadlyPool(), migrate: false, silenceMs: 3_000 });
const sink = new pg.Pool({ connectionString: url, max: 2 });
sink.on('error', () => undefined);
/** An effect elsewhere: by its key it happens once, however often it is asked for. */
const effect = (key: string) =>
  sink.query('INSERT INTO public.sink VALUES ($1) ON CONFLICT (key) DO UPDATE SET times = sink.times + 1', [key]);
const { journal, approvals, memoryStore } = postgres.genie('soak');

async function workOnRuns(): Promise<void> {
  for (;;) {
    const { rows } = await sink.query(
      "SELECT 'run_' || n AS id FROM generate_series(0, 7) n ORDER BY random() LIMIT 1",
    );
    const prefix = rows[0]?.id as string;
    const known = (await journal.list()).filter(({ runId }) => runId.startsWith(`${prefix}.`));
    const open = known.find(({ status }) => status === 'open');
    const runId = open?.runId ?? `${prefix}.${known.length}`;
    await workOnRun(runId).catch((error: unknown) => {
      if (!GenieError.isInstance(error)) throw error;
    });
  }
}

async function workOnRun(runId: string): Promise<void> {
  const run = await journal.open(runId);
  try {
    if (run.recorded.at(-1)?.kind === 'closed') return;
    if (run.recorded.length === 0) run.append({ kind: 'opened', at: Date.now(), meta: {} });
    const done = run.recorded.filter(({ kind }) => kind === 'result').length;
    for (let step = done; step < 10; step += 1) {
      await run.settled();
      await effect(`${runId}/${step}`);
      run.append({ kind: 'result', callId: `${step}`, status: 'completed', output: step, tookMs: 0 });
      await run.settled();
    }
    await askOnce(runId);
    run.append({ kind: 'closed', at: Date.now(), status: 'completed', outcome: {} });
    await run.settled();
  } finally {
    run.release();
  }
}

async function askOnce(runId: string): Promise<void> {
  const action = { kind: 'tool', genieId: 'soak', subject: 'tool:send', payload: { runId } } as const;
  const { id, status } = await approvals.request({ action, title: 'send', runId });
  if (status === 'pending') await approvals.decide(id, { verdict: 'allow-once', by: 'soak' });
  // Whoever consumed it may have died before the effect: at most once is what an approval promises.
  if (await approvals.consume(id, action)) await sink.query('INSERT INTO public.consumed VALUES ($1)', [id]);
}

async function workUnderLease(): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const lease = await postgres.leases.acquire('soak', { ttlMs: 250 });
    if (!lease) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    const guarded = postgres.genie('soak', { lease }).memoryStore;
    for (let write = 0; write < 3; write += 1) {
      // Sometimes it stands still for longer than its lease, and comes back late.
      await new Promise((resolve) => setTimeout(resolve, Math.random() < 0.1 ? 300 : 10));
      await guarded
        .commit({ namespace: 'lease', put: [record(`${lease.generation}/${turn}/${write}`, lease.generation)] })
        .catch((error: unknown) => {
          if ((error as { code?: unknown }).code !== 'GENIE_LEASE_LOST') throw error;
        });
    }
    await lease.release();
  }
}

function record(id: string, generation: number): NonNullable<Parameters<typeof memoryStore.commit>[0]['put']>[number] {
  return {
    id,
    namespace: 'lease',
    tier: 'episodic',
    kind: 'note',
    text: 'late or not',
    status: 'live',
    importance: 0.5,
    confidence: 1,
    recordedAt: Date.now(),
    data: { generation },
  };
}

const wakes = await postgres.wakes();
await wakes.work(async (wake) => {
  await wake.accept(async (query) => {
    await query('INSERT INTO public.woken VALUES ($1)', [wake.id]);
  });
});
process.send?.('ready');
process.on('disconnect', () => process.exit(0));
await Promise.all([workOnRuns(), workOnRuns(), workUnderLease()]);
