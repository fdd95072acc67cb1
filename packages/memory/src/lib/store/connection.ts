import type { SqlValue } from './sqlite-rows.ts';

export interface ConnectionStatement {
  run(...values: SqlValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
}

/** What the store needs of a SQLite connection. `DatabaseSync` of node:sqlite is one. */
export interface Connection {
  readonly isOpen: boolean;
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): ConnectionStatement;
  close(): void;
}
