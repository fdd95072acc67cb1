import { openApprovals } from '@genie/core';
import type { ErrorRecord } from '@genie/core/errors';
import { homeFolders } from '@genie/core/home';
import { listRuns, readRun } from '@genie/core/journal';
import type { Clock } from '@genie/core/ports';
import type { Environment } from '@genie/inference';
import type { GenieStore } from './genie-store.ts';
import { memoryCipher } from './memory-cipher.ts';

export interface HomeStoreOptions {
  readonly home: string;
  /** Holds the passphrase of an encrypted memory. */
  readonly environment: Environment;
  readonly clock?: Clock;
  readonly onWarning?: (warning: ErrorRecord) => void;
}

/** What a genie keeps, in the files of its home. Rejects with the codes of `openApprovals`. */
export function openHomeStore({ home, environment, clock, onWarning }: HomeStoreOptions): GenieStore {
  const folders = homeFolders(home);
  const withClock = clock ? { clock } : {};
  const approvals = openApprovals({
    dir: folders.approvals,
    ...withClock,
    ...(onWarning ? { onWarning } : {}),
  });
  return {
    kind: 'home',
    approvals,
    journal: undefined,
    runs: async () => listRuns(folders.journal),
    records: async (runId) => readRun(folders.journal, runId),
    async openMemory() {
      const { openMemory } = await import('@genie/memory');
      return openMemory({ dir: folders.memory, ...memoryCipher(environment), ...withClock });
    },
    async openMetrics(options) {
      const { openMetrics } = await import('@genie/metrics');
      return openMetrics({ ...withClock, ...options, dir: folders.metrics });
    },
    remove: async () => undefined,
    close: () => approvals.close(),
  };
}
