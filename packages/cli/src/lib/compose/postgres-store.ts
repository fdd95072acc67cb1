import { openPostgres } from '@genie/adapters/postgres';
import { GenieError, toErrorRecord } from '@genie/core/errors';
import type { GenieStore } from './genie-store.ts';
import type { HomeStoreOptions } from './home-store.ts';
import { memoryCipher } from './memory-cipher.ts';

export interface PostgresStoreOptions extends HomeStoreOptions {
  readonly url: string;
  readonly genieId: string;
}

/** One genie needs few, and a process may watch many genies. */
const maxConnections = 4;

/** What a genie keeps, in a database. Rejects with the codes of `openPostgres`. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<GenieStore> {
  const { url, genieId, environment, clock, onWarning } = options;
  if (memoryCipher(environment).cipher) onWarning?.(unencrypted());
  const postgres = await openPostgres({
    url,
    maxConnections,
    ...(clock ? { clock } : {}),
    ...(onWarning ? { onWarning } : {}),
  });
  const { approvals, journal, openMemory } = postgres.genie(genieId);
  return {
    kind: 'postgres',
    approvals,
    journal,
    runs: () => journal.list(),
    records: (runId) => journal.read(runId),
    openMemory: async () => openMemory(),
    async openMetrics(metricsOptions) {
      const { openMetrics } = await import('@genie/metrics');
      return openMetrics({
        ...(clock ? { clock } : {}),
        ...metricsOptions,
        store: postgres.genie(genieId).metricsStore,
      });
    },
    remove: () => postgres.removeGenie(genieId),
    close: () => postgres.close(),
  };
}

function unencrypted(): ReturnType<typeof toErrorRecord> {
  const message =
    'GENIE_MEMORY_PASSPHRASE encrypts a memory in a home. This genie keeps its memory in a database, which stores it as it is.';
  return toErrorRecord(new GenieError('GENIE_MEMORY_CIPHER', message), 'GENIE_MEMORY_CIPHER');
}
