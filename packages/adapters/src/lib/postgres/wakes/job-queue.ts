import { createHash } from 'node:crypto';
import type { Db, PgBoss } from 'pg-boss';
import { loadPeer } from '../../load-peer.ts';
import type { Database } from '../database.ts';
import type { SqlSession } from '../postgres-client.ts';

export interface WakeJob {
  readonly id: string;
  readonly genie: string;
  readonly dueAt: number;
}

export interface HandedOver {
  readonly wake: WakeJob;
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** The queue of one tenant's wakes in pg-boss. */
export interface JobQueue {
  /** Queues the jobs in the caller's transaction. */
  insert(session: SqlSession, jobs: readonly WakeJob[]): Promise<void>;
  /** One callback for each job; one that rejects hands its job out again later. */
  work(handle: (job: HandedOver) => Promise<void>, concurrency: number): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export interface JobQueueOptions {
  readonly database: Database;
  /** After so many seconds without a sign of life a server's jobs go to another one. At least 10. */
  readonly silenceSeconds: number;
  readonly onError: (error: unknown) => void;
}

const batchSize = 50;

/** Starts pg-boss on the same pool, in a schema of its own beside ours. */
export async function openJobQueue({ database, silenceSeconds, onError }: JobQueueOptions): Promise<JobQueue> {
  const { PgBoss: Boss, fromPglite } = await loadPeer('pg-boss', '^12.35.0', () => import('pg-boss'));
  const { embedded, schema, tenant } = database;
  const boss: PgBoss = new Boss({
    db: embedded ? fromPglite(embedded as never) : pooledDb(database),
    backend: embedded ? 'pglite' : 'postgres',
    schema: `${schema}_jobs`,
    schedule: false,
    // How soon another server notices that one went away with its jobs.
    superviseIntervalSeconds: 2,
    monitorIntervalSeconds: 2,
    maintenanceIntervalSeconds: 300,
    queueCacheIntervalSeconds: 30,
  });
  boss.on('error', onError);
  const queue = `wakes-${createHash('sha256').update(tenant).digest('hex').slice(0, 16)}`;
  try {
    await start(boss, queue, silenceSeconds);
  } catch (error) {
    await boss.stop({ graceful: false, close: false }).catch(() => undefined);
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    async insert(session, jobs) {
      const db: Db = { executeSql: async (text, values) => ({ rows: [...(await session.query(text, values)).rows] }) };
      const rows = jobs.map((job) => ({ data: job, startAfter: new Date(job.dueAt) }));
      await boss.insert(queue, rows, { db });
    },
    work: (handle, concurrency) => workOn({ boss, queue, handle, concurrency }),
    close() {
      closing ??= boss.stop({ graceful: true, timeout: 1_000, close: false }).catch(onError);
      return closing;
    },
  };
}

async function start(boss: PgBoss, queue: string, silenceSeconds: number): Promise<void> {
  await boss.start();
  await boss.createQueue(queue, {
    retryLimit: 10_000,
    retryDelay: 1,
    retryBackoff: true,
    retryDelayMax: 60,
    expireInSeconds: 3_600,
    heartbeatSeconds: Math.max(10, silenceSeconds),
    deleteAfterSeconds: 3_600,
    retentionSeconds: 30 * 24 * 3_600,
  });
  // pg-boss looks a queue up when it is first used, on a connection of its own. In the middle of our transactions that could be one too many.
  await boss.insert(queue, []);
}

interface Working {
  readonly boss: PgBoss;
  readonly queue: string;
  readonly handle: (job: HandedOver) => Promise<void>;
  readonly concurrency: number;
}

async function workOn({ boss, queue, handle, concurrency }: Working): Promise<() => Promise<void>> {
  const size = Math.max(1, Math.min(batchSize, concurrency));
  const workers = Math.max(1, Math.round(concurrency / size));
  const ids = await Promise.all(
    Array.from({ length: workers }, () =>
      boss.work<WakeJob, unknown, { perJobResults: true; batchSize: number }>(
        queue,
        { perJobResults: true, batchSize: size, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true } as never,
        ((jobs: readonly { id: string; data: WakeJob; retryCount: number; signal: AbortSignal }[]) =>
          Promise.all(
            jobs.map(async ({ id, data, retryCount, signal }) => {
              try {
                await handle({ wake: data, attempt: retryCount + 1, signal });
                return { id, status: 'completed' };
              } catch (error) {
                return { id, status: 'failed', output: { message: String(error) } };
              }
            }),
          )) as never,
      ),
    ),
  );
  return async () => {
    await Promise.all(ids.map((id) => boss.offWork(queue, { id, wait: true })));
  };
}

function pooledDb({ pool }: Database): Db {
  return {
    async executeSql(text, values) {
      const client = await pool.connect();
      const onError = (): void => undefined;
      client.on('error', onError);
      let failed = true;
      try {
        const result = await client.query(text, values);
        failed = false;
        return result as unknown as Awaited<ReturnType<Db['executeSql']>>;
      } finally {
        client.off('error', onError);
        // After a failure inside a block of statements the connection may still be in its transaction.
        client.release(failed);
      }
    },
  };
}
