import type { EmbeddedPostgres, PostgresClient, PostgresPool } from './postgres-client.ts';

/**
 * An embedded database has one session. Whoever takes a connection holds PGlite's own transaction lock until it gives it back, so no other
 * user of the same database (another pool, pg-boss, the application) gets a statement into the middle of a transaction.
 */
export function lockedPool(pool: PostgresPool, pglite: EmbeddedPostgres): PostgresPool {
  return {
    async connect() {
      const unlock = await lock(pglite);
      try {
        return lockedClient(await pool.connect(), unlock);
      } catch (error) {
        unlock();
        throw error;
      }
    },
    end: () => pool.end(),
    on: (event, listener) => pool.on(event, listener),
  };
}

function lock(pglite: EmbeddedPostgres): Promise<() => void> {
  return new Promise((resolve, reject) => {
    pglite
      ._runExclusiveTransaction(() => new Promise<void>((unlock) => resolve(() => unlock())))
      .catch((error: unknown) => reject(error));
  });
}

function lockedClient(client: PostgresClient, unlock: () => void): PostgresClient {
  let isReleased = false;
  return {
    query: (text, values) => client.query(text, values),
    on: (event, listener) => client.on(event, listener),
    off: (event, listener) => client.off(event, listener),
    release(error) {
      if (isReleased) return;
      isReleased = true;
      client.release(error);
      unlock();
    },
  };
}
