import type { RecordStore } from './record-store.ts';
import { openSqliteDatabase } from './sqlite-database.ts';
import { createSqliteStore } from './sqlite-store.ts';

/** A record store that lives as long as the process: the real one, on a database without a file. */
export async function openMemoryStore(): Promise<RecordStore> {
  const database = await openSqliteDatabase(':memory:', 'process');
  return createSqliteStore(database, { capabilities: { name: 'sqlite', durable: false, encrypted: false } });
}
