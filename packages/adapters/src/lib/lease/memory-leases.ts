import { GenieError } from '@genie/core/errors';
import type { Clock, HeldLease, Leases } from '@genie/core/ports';

interface Row {
  holder: string;
  generation: number;
  expiresAt: number;
}

/** The rows that processes share, here one map: what a table is elsewhere. */
export type LeaseRows = Map<string, Row>;

/** Leases within one process, for tests and for a server that is alone. `clock` stands for the store's own time. */
export function createMemoryLeases(options: {
  readonly clock: Pick<Clock, 'now'>;
  readonly rows?: LeaseRows;
  readonly holder?: string;
}): Leases {
  const { clock, rows = new Map<string, Row>(), holder = 'memory' } = options;
  return {
    async acquire(key, { ttlMs, signal }) {
      checkKey(key);
      signal?.throwIfAborted();
      const row = rows.get(key) ?? { holder, generation: 0, expiresAt: 0 };
      if (row.expiresAt > clock.now()) return undefined;
      rows.set(key, row);
      row.holder = holder;
      row.generation += 1;
      row.expiresAt = clock.now() + ttlMs;
      return turnOf({ key, row, ttlMs, clock });
    },
    async read(key) {
      checkKey(key);
      const row = rows.get(key);
      return row && { key, holder: row.holder, generation: row.generation, held: row.expiresAt > clock.now() };
    },
    close: async () => undefined,
  };
}

function turnOf(deps: {
  readonly key: string;
  readonly row: Row;
  readonly ttlMs: number;
  readonly clock: Pick<Clock, 'now'>;
}): HeldLease {
  const { key, row, ttlMs, clock } = deps;
  const { generation, holder } = row;
  let isReleased = false;
  const isMine = (): boolean => !isReleased && row.generation === generation;
  return {
    key,
    holder,
    generation,
    async renew() {
      if (!isMine()) return false;
      row.expiresAt = clock.now() + ttlMs;
      return true;
    },
    async check() {
      if (!isMine() || row.expiresAt <= clock.now()) throw lost(key, generation);
    },
    async release() {
      if (isMine()) row.expiresAt = 0;
      isReleased = true;
    },
  };
}

function checkKey(key: string): void {
  if (key.length > 0 && key.length <= 1_000) return;
  throw new GenieError('GENIE_LEASE_KEY', `A lease needs a key of 1 to 1,000 characters; this one has ${key.length}.`);
}

function lost(key: string, generation: number): GenieError {
  return new GenieError(
    'GENIE_LEASE_LOST',
    `Turn ${generation} of "${key}" is over: somebody else holds it, or it ran out. Stop working on it.`,
    { details: { key, generation } },
  );
}
