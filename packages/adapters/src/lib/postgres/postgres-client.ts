/** The part of a node-postgres result that is read here. */
export interface PostgresResult {
  readonly rows: readonly Record<string, unknown>[];
  readonly rowCount: number | null;
}

/** The part of a node-postgres `PoolClient` that is used here. */
export interface PostgresClient {
  // biome-ignore lint/suspicious/noExplicitAny: node-postgres declares its values as any[].
  query(text: string, values?: any[]): Promise<PostgresResult>;
  release(error?: Error | boolean): void;
  // biome-ignore lint/suspicious/noExplicitAny: one listener signature for all events of an emitter.
  on(event: string, listener: (...values: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  off(event: string, listener: (...values: any[]) => void): unknown;
}

/** The part of a node-postgres `Pool` that is used here. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
  end(): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: one listener signature for all events of an emitter.
  on(event: string, listener: (...values: any[]) => void): unknown;
}

/** The part of a PGlite database that is used here. */
export interface EmbeddedPostgres {
  listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>>;
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  exec(text: string): Promise<{ rows: unknown[] }[]>;
  /** PGlite's lock of a transaction; it has no name without the underscore. */
  _runExclusiveTransaction<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** Runs one statement in a transaction. */
export interface SqlSession {
  query(text: string, values?: readonly unknown[]): Promise<PostgresResult>;
}
