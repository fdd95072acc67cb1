import pg from 'pg';
import type { PostgresPool } from '../postgres-client.ts';

export interface KillablePool {
  readonly pool: PostgresPool;
  /** As `kill -9` of the process that owns the pool looks to the server: every connection breaks, and none comes again. */
  kill(): void;
  /** The network is gone for a while: connections break, new ones are refused until `heal`. */
  sever(): void;
  heal(): void;
  close(): Promise<void>;
}

/** A pool that can lose its connections, for tests. */
export function createKillablePool(url: string, max = 6): KillablePool {
  const real = new pg.Pool({ connectionString: url, max, application_name: 'genie' });
  const clients = new Set<pg.PoolClient>();
  real.on('error', () => undefined);
  real.on('connect', (client) => clients.add(client));
  real.on('remove', (client) => clients.delete(client));
  let isCut = false;
  const cut = (): void => {
    isCut = true;
    for (const client of clients)
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  };
  const pool = {
    connect: () =>
      isCut
        ? Promise.reject(Object.assign(new Error('the network is gone'), { code: 'ECONNREFUSED' }))
        : real.connect(),
    end: () => real.end(),
    on: real.on.bind(real),
  } as unknown as PostgresPool;
  let ended: Promise<void> | undefined;
  return {
    pool,
    kill: cut,
    sever: cut,
    heal: () => {
      isCut = false;
    },
    close: () => {
      ended ??= real.end();
      return ended;
    },
  };
}
