import { GenieError } from '@genie/core/errors';
import { loadPeer } from '../load-peer.ts';
import { lockedPool } from './embedded-pool.ts';
import type { EmbeddedPostgres, PostgresPool } from './postgres-client.ts';

/** Where the database is. Exactly one of the three. */
export interface ConnectionOptions {
  /** `postgres://user:password@host:5432/database`. Settings of node-postgres in its query string work. */
  readonly url?: string;
  /** A node-postgres `Pool` of yours, of at least 4 connections. It stays yours: `close` leaves it open. */
  readonly pool?: PostgresPool;
  /** A PGlite database of yours: the same code, embedded, for one process. It stays yours. */
  readonly pglite?: EmbeddedPostgres;
  /** Connections of the pool made from `url`. Default 10. */
  readonly maxConnections?: number;
  /** How long to wait for a connection. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** How long a statement may take before its connection is given up. Default 30,000. */
  readonly statementTimeoutMs?: number;
}

export interface OpenPool {
  readonly pool: PostgresPool;
  readonly embedded: EmbeddedPostgres | undefined;
  /** Idempotent. Leaves alone what the caller brought. */
  close(): Promise<void>;
}

/** Throws `GENIE_POSTGRES_OPTIONS` and `GENIE_ADAPTER_PEER`. Connects to nothing yet. */
export async function openPool(options: ConnectionOptions): Promise<OpenPool> {
  const given = [options.url, options.pool, options.pglite].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new GenieError('GENIE_POSTGRES_OPTIONS', 'openPostgres: pass exactly one of url, pool and pglite.');
  }
  if (options.pool) return { pool: options.pool, embedded: undefined, close: async () => undefined };
  const { statementTimeoutMs = 30_000 } = options;
  const { default: pg } = await loadPeer('pg', '^8.16.0', () => import('pg'));
  const created = options.pglite
    ? new pg.Pool(await configOf(options.pglite))
    : new pg.Pool({
        connectionString: checkedUrl(options.url as string),
        max: options.maxConnections ?? 10,
        connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
        // On both sides: the server ends the work, and a server that went silent is noticed.
        statement_timeout: statementTimeoutMs,
        query_timeout: statementTimeoutMs + Math.min(2_000, statementTimeoutMs),
        keepAlive: true,
        application_name: 'genie',
        allowExitOnIdle: false,
      });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  created.on('error', () => undefined);
  const made = created as unknown as PostgresPool;
  const pool = options.pglite ? lockedPool(made, options.pglite) : made;
  let closing: Promise<void> | undefined;
  return {
    pool,
    embedded: options.pglite,
    close: () => {
      closing ??= pool.end();
      return closing;
    },
  };
}

async function configOf(pglite: EmbeddedPostgres): Promise<object> {
  const { createPgConfig } = await loadPeer(
    '@electric-sql/pglite',
    '0.5.14',
    () => import('@electric-sql/pglite/node-postgres'),
  );
  return createPgConfig(pglite as never);
}

function checkedUrl(url: string): string {
  if (/^postgres(?:ql)?:\/\//.test(url) && URL.canParse(url)) return url;
  throw new GenieError(
    'GENIE_POSTGRES_OPTIONS',
    `openPostgres: the url does not look like postgres://user:password@host:5432/database${/^\w+:/.test(url) ? ` (it begins with "${url.split(':')[0]}:")` : ''}.`,
  );
}
