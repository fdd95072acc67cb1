import { randomUUID } from 'node:crypto';
import { type Database, pause } from './database.ts';
import type { PostgresClient, SqlSession } from './postgres-client.ts';

/**
 * This process as others see it in the database: a row that is renewed, and a lock of a session that ends with the process. Whoever lost its
 * session, or has not renewed for `ttlMs`, counts as gone; what it held may be taken over, and its late writes are refused by generation.
 */
export interface Presence {
  readonly holder: string;
  /** Calls back when another process (or this one) notified `channel`. Works again after a lost connection, when it calls back once. */
  listen(channel: string, onNotify: (payload: string) => void): () => void;
  /** False while the connection for notifications is down: look for yourself. */
  readonly isListening: boolean;
  /** Whether that holder is still there, as the database sees it now. */
  isAlive(session: SqlSession, holder: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface PresenceOptions {
  readonly database: Database;
  readonly ttlMs: number;
}

/** Registers this process. Rejects when the database cannot be reached. */
export async function openPresence(options: PresenceOptions): Promise<Presence> {
  const presence = new DatabasePresence(options);
  await presence.open();
  return presence;
}

class DatabasePresence implements Presence {
  readonly holder = `h_${randomUUID()}`;
  readonly #database: Database;
  readonly #ttlMs: number;
  readonly #listeners = new Map<string, Set<(payload: string) => void>>();
  readonly #unlisten = new Map<string, Promise<() => Promise<void>>>();
  #client: PostgresClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #reconnecting: Promise<void> | undefined;
  #beating = false;

  constructor({ database, ttlMs }: PresenceOptions) {
    this.#database = database;
    this.#ttlMs = ttlMs;
  }

  get isListening(): boolean {
    return this.#database.embedded !== undefined || this.#client !== undefined;
  }

  async open(): Promise<void> {
    await this.#register();
    if (!this.#database.embedded) await this.#connect();
    this.#timer = setInterval(() => void this.#beat(), Math.max(50, this.#ttlMs / 3));
    this.#timer.unref();
  }

  listen(channel: string, onNotify: (payload: string) => void): () => void {
    const known = this.#listeners.get(channel) ?? new Set();
    const isFirst = known.size === 0;
    known.add(onNotify);
    this.#listeners.set(channel, known);
    if (isFirst) this.#subscribe(channel);
    return () => {
      if (!known.delete(onNotify) || known.size > 0) return;
      this.#listeners.delete(channel);
      void this.#client?.query(`UNLISTEN "${channel}"`).catch(() => undefined);
      const ends = this.#unlisten.get(channel);
      this.#unlisten.delete(channel);
      void ends?.then((end) => end()).catch(() => undefined);
    };
  }

  async isAlive(session: SqlSession, holder: string): Promise<boolean> {
    if (holder === this.holder) return true;
    const { holders } = this.#database.tables;
    const { rows } = await session.query(
      `SELECT lock_key, server_started = pg_postmaster_start_time() AS same_server,
              seen_at + ttl_ms * interval '1 millisecond' > clock_timestamp() AS fresh
       FROM ${holders} WHERE tenant = $1 AND id = $2`,
      [this.#database.tenant, holder],
    );
    const [row] = rows;
    if (!row?.fresh || !row.same_server) return false;
    // The embedded database has one session for everybody: its locks say nothing, and whoever is not renewing is gone.
    if (this.#database.embedded) return true;
    const free = await session.query('SELECT pg_try_advisory_xact_lock($1) AS free', [row.lock_key]);
    return free.rows[0]?.free !== true;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#reconnecting;
    const { tenant, tables } = this.#database;
    await this.#database
      .transaction((session) =>
        session.query(`DELETE FROM ${tables.holders} WHERE tenant = $1 AND id = $2`, [tenant, this.holder]),
      )
      .catch(() => undefined);
    for (const ends of this.#unlisten.values()) await ends.then((end) => end()).catch(() => undefined);
    const client = this.#client;
    this.#client = undefined;
    // Not back into the pool: it carries a lock and subscriptions.
    client?.release(true);
  }

  async #register(): Promise<void> {
    const { tenant, tables } = this.#database;
    await this.#database.transaction(async (session) => {
      await session.query(
        `DELETE FROM ${tables.holders} WHERE tenant = $1 AND seen_at < clock_timestamp() - interval '1 day'`,
        [tenant],
      );
      await session.query(
        `INSERT INTO ${tables.holders} (tenant, id, lock_key, server_started, seen_at, ttl_ms)
         VALUES ($1, $2, hashtextextended($2, 0), pg_postmaster_start_time(), clock_timestamp(), $3)
         ON CONFLICT (tenant, id) DO UPDATE SET server_started = excluded.server_started, seen_at = excluded.seen_at`,
        [tenant, this.holder, this.#ttlMs],
      );
    });
  }

  async #beat(): Promise<void> {
    if (this.#beating || this.#closed) return;
    this.#beating = true;
    try {
      await this.#register();
    } catch {
      // The next beat tries again; until then this process may count as gone.
    } finally {
      this.#beating = false;
    }
  }

  async #connect(): Promise<void> {
    const client = await this.#database.pool.connect();
    let isLost = false;
    const onLost = (): void => {
      if (isLost) return;
      isLost = true;
      // At close the client was given back already.
      if (this.#closed && this.#client !== client) return;
      client.release(true);
      if (this.#client === client) this.#client = undefined;
      this.#reconnect();
    };
    client.on('error', onLost);
    client.on('end', onLost);
    client.on('notification', ({ channel, payload }: { channel: string; payload?: string }) =>
      this.#notify(channel, payload ?? ''),
    );
    try {
      await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [this.holder]);
      for (const channel of this.#listeners.keys()) await client.query(`LISTEN "${channel}"`);
    } catch (error) {
      if (!isLost) {
        isLost = true;
        client.release(true);
      }
      throw error;
    }
    this.#client = client;
  }

  #reconnect(): void {
    if (this.#closed || this.#reconnecting !== undefined) return;
    this.#reconnecting = (async () => {
      for (let delayMs = 50; !this.#closed && !this.#client; delayMs = Math.min(delayMs * 2, 2_000)) {
        await pause(delayMs);
        await this.#connect().catch(() => undefined);
      }
    })().finally(() => {
      this.#reconnecting = undefined;
      for (const channel of this.#listeners.keys()) this.#notify(channel, '');
    });
  }

  #subscribe(channel: string): void {
    const { embedded } = this.#database;
    if (embedded) {
      this.#unlisten.set(
        channel,
        embedded.listen(channel, (payload) => this.#notify(channel, payload)),
      );
      return;
    }
    void this.#client
      ?.query(`LISTEN "${channel}"`)
      // Whatever happened before the subscription was there is looked for once.
      .then(() => this.#notify(channel, ''))
      .catch(() => undefined);
  }

  #notify(channel: string, payload: string): void {
    for (const listener of [...(this.#listeners.get(channel) ?? [])]) {
      try {
        listener(payload);
      } catch {
        // A listener that fails must not take the others with it.
      }
    }
  }
}
