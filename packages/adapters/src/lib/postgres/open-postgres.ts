import { type ErrorRecord, GenieError, toErrorRecord } from '@genie/core/errors';
import type { Journal } from '@genie/core/journal';
import {
  type ApprovalStore,
  type Approvals,
  type Clock,
  createApprovals,
  createIds,
  type HeldLease,
  type Ids,
  type Leases,
  systemClock,
} from '@genie/core/ports';
import { createInt8Scan, type Memory, type OpenVectorStore } from '@genie/memory';
import type { MetricsStore } from '@genie/metrics';
import { createPostgresApprovalStore } from './approvals/approval-store.ts';
import { createDatabase, type Database } from './database.ts';
import { describeFailure, guarded } from './describe-failure.ts';
import { createJournalWriter } from './journal/journal-writer.ts';
import { createPostgresJournal } from './journal/postgres-journal.ts';
import { createRunHandles } from './journal/run-handles.ts';
import { createPostgresLeases } from './lease/postgres-leases.ts';
import { openPostgresMemory, type PostgresMemoryOptions } from './memory/open-postgres-memory.ts';
import { createPostgresRecordStore, type PostgresRecordStore } from './memory/record-store.ts';
import { createWorkingValues } from './memory/working-values.ts';
import { createPostgresMetricsStore } from './metrics/metrics-store.ts';
import { migratePostgres } from './migrations/migrate.ts';
import { type ConnectionOptions, openPool } from './open-pool.ts';
import { openPresence } from './presence.ts';
import { removeGenie } from './remove-genie.ts';
import { toKey } from './storable-text.ts';
import { openPgvectorStore, preparePgvector } from './vectors/pgvector-store.ts';
import { openJobQueue } from './wakes/job-queue.ts';
import { createPostgresWakes, type PostgresWakes } from './wakes/postgres-wakes.ts';

export interface PostgresOptions extends ConnectionOptions {
  /** Schema of all tables. Default `genie`. */
  readonly schema?: string;
  /** Whose data this is. Rows of other tenants are neither seen nor written, by policy of the database as well. Default `default`. */
  readonly tenant?: string;
  /** Brings the tables to the newest version first. Default true. */
  readonly migrate?: boolean;
  /** After how long without a sign of life this process counts as gone, when its connection is still there. Default 15,000. */
  readonly silenceMs?: number;
  /** How long a journal tries again while the server is away. Default 15,000. */
  readonly journalRetryMs?: number;
  /** How often a server looks for schedules that are due. Default 1,000. */
  readonly wakeTickMs?: number;
  readonly clock?: Clock;
  readonly ids?: Ids;
  /** Told about failures of background work, which is tried again. */
  readonly onWarning?: (warning: ErrorRecord) => void;
}

/** What one genie keeps in the database. */
export interface PostgresGenie {
  readonly journal: Journal;
  readonly approvals: Approvals;
  /** The rows behind `approvals`, for rules of your own. */
  readonly approvalStore: ApprovalStore;
  /**
   * The genie's memory, with its working values (the state of the wake gate, cursors, the plan) in the database too. `close` closes what it opened.
   */
  openMemory(options?: PostgresMemoryOptions): Memory;
  /** The records alone, for `openMemory({ store })` of the memory package: its working values live as long as the process. */
  readonly memoryStore: PostgresRecordStore;
  /**
   * For `openMemory({ openVectorStore })`: pgvector with an HNSW index where the extension is there or can be made, otherwise the exact scan in this process.
   */
  readonly openVectorStore: OpenVectorStore;
  /** For `openMetrics({ store })`. */
  readonly metricsStore: MetricsStore;
}

export interface PostgresGenieOptions {
  /** The turn of whoever works on this genie: memory and metrics of a holder whose turn is over are refused with `GENIE_LEASE_LOST`. */
  readonly lease?: Pick<HeldLease, 'key' | 'generation'>;
}

export interface Postgres {
  /** The stores of one genie. Cheap; all genies of a process share connections and commits. */
  genie(genieId: string, options?: PostgresGenieOptions): PostgresGenie;
  /** Removes every row of a genie: runs, approvals, memory, metrics, its schedule and wakes. Rejects with `GENIE_MEMORY_STORE`. */
  removeGenie(genieId: string): Promise<void>;
  readonly leases: Leases;
  /** Wakes of all genies of this tenant, on all servers. Starts pg-boss when first asked for. Rejects with `GENIE_WAKES_STORE`. */
  wakes(): Promise<PostgresWakes>;
  /** `bypassed` when the role is a superuser or has BYPASSRLS: then only the statements keep tenants apart. */
  readonly rowSecurity: 'enforced' | 'bypassed';
  /** Gives back every run and lease of this process. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens the database for this process.
 *
 * Errors by code: `GENIE_POSTGRES_OPTIONS`, `GENIE_ADAPTER_PEER` (a missing package), `GENIE_POSTGRES_CONNECT` (no answer, wrong credentials),
 * `GENIE_POSTGRES_MIGRATION` (a role without rights, a newer schema). Later each port rejects with its own.
 */
export async function openPostgres(options: PostgresOptions): Promise<Postgres> {
  const { schema = 'genie', tenant = 'default', silenceMs = 15_000 } = options;
  const { pool, embedded, close: closePool } = await openPool(options);
  try {
    const database = createDatabase({ pool, embedded, schema, tenant });
    await reach(database);
    if (options.migrate ?? true) await migratePostgres({ pool, schema });
    const presence = await openPresence({ database, ttlMs: silenceMs });
    return await assemble({ options, database, presence, closePool });
  } catch (error) {
    await closePool().catch(() => undefined);
    if (GenieError.isInstance(error)) throw error;
    throw connectError(error);
  }
}

interface Parts {
  readonly options: PostgresOptions;
  readonly database: Database;
  readonly presence: Awaited<ReturnType<typeof openPresence>>;
  readonly closePool: () => Promise<void>;
}

async function assemble({ options, database, presence, closePool }: Parts): Promise<Postgres> {
  const { clock = systemClock, journalRetryMs = 15_000 } = options;
  const ids = options.ids ?? createIds(clock);
  const rowSecurity = await readRowSecurity(database);
  const handles = createRunHandles({ database, presence, writer: () => writer });
  const writer = createJournalWriter({ database, onRunFailed: handles.onRunFailed, retryMs: journalRetryMs });
  const opened: PostgresGenie[] = [];
  let wakes: Promise<PostgresWakes> | undefined;
  let pgvector: Promise<boolean> | undefined;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await (await wakes?.catch(() => undefined))?.close();
    for (const { approvals } of opened) await approvals.close();
    await handles.close();
    await writer.close();
    await presence.close();
    await closePool();
  };
  const open = (genie: string, lease: PostgresGenieOptions['lease']): PostgresGenie => {
    const fence = lease ? { fence: { key: lease.key, generation: lease.generation } } : {};
    const approvalStore = createPostgresApprovalStore({ database, presence, genie });
    const memoryStore = createPostgresRecordStore({ database, genie, ...fence });
    const openVectorStore: OpenVectorStore = async ({ namespace, model, dimension }) => {
      pgvector ??= preparePgvector(database);
      if (await pgvector) return openPgvectorStore({ database, genie, namespace, model, dimension });
      const exactVectors = async (ids: readonly string[]) =>
        new Map((await memoryStore.vectors(namespace, model, { ids })).map(({ id, vector }) => [id, vector] as const));
      return createInt8Scan({ dimension, exactVectors });
    };
    return {
      journal: createPostgresJournal({ database, presence, writer, handles, genie }),
      approvalStore,
      approvals: createApprovals({ store: approvalStore, clock, ids }),
      memoryStore,
      openVectorStore,
      openMemory: (memoryOptions) =>
        openPostgresMemory({
          clock,
          openVectorStore,
          ...memoryOptions,
          store: createPostgresRecordStore({ database, genie, ...fence }),
          working: createWorkingValues({ database, genie, ...fence }),
        }),
      metricsStore: createPostgresMetricsStore({ database, genie, ...fence }),
    };
  };
  const postgres: Postgres = {
    genie(genieId, { lease } = {}) {
      const genie = open(toKey(genieId), lease);
      opened.push(genie);
      return genie;
    },
    removeGenie: (genieId) => removeGenie(database, toKey(genieId)),
    wakes() {
      // A server that was away is asked again the next time.
      wakes ??= openWakes({ options, database, holder: presence.holder }).catch((error: unknown) => {
        wakes = undefined;
        throw error;
      });
      return wakes;
    },
    leases: createPostgresLeases({ database, holder: presence.holder }),
    rowSecurity,
    close() {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]: () => postgres.close(),
  };
  return postgres;
}

async function openWakes(deps: {
  readonly options: PostgresOptions;
  readonly database: Database;
  readonly holder: string;
}): Promise<PostgresWakes> {
  const { database, holder, options } = deps;
  const onError = (error: unknown): void => options.onWarning?.(toErrorRecord(error, 'GENIE_WAKES_STORE'));
  const silenceSeconds = Math.ceil((options.silenceMs ?? 15_000) / 1000);
  const queue = await guarded('GENIE_WAKES_STORE', 'start the job queue', () =>
    openJobQueue({ database, silenceSeconds, onError }),
  );
  return createPostgresWakes({ database, holder, queue, tickMs: options.wakeTickMs ?? 1_000, onError });
}

async function reach({ pool }: Database): Promise<void> {
  try {
    const client = await pool.connect();
    client.release();
  } catch (error) {
    throw connectError(error);
  }
}

async function readRowSecurity(database: Database): Promise<Postgres['rowSecurity']> {
  const { rows } = await database.transaction((session) =>
    session.query('SELECT rolsuper OR rolbypassrls AS bypasses FROM pg_roles WHERE rolname = current_user'),
  );
  return rows[0]?.bypasses === true ? 'bypassed' : 'enforced';
}

function connectError(cause: unknown): GenieError {
  return new GenieError('GENIE_POSTGRES_CONNECT', `The database cannot be used: ${describeFailure(cause)}.`, { cause });
}
