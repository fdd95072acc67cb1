import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** Why tests on a real server are skipped, or undefined when it answers. */
export async function whyNoServer(serverUrl: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: serverUrl, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return `no Postgres at ${serverUrl.replace(/:[^:@/]*@/, ':***@')}: ${String(error)}`;
  } finally {
    await client.end().catch(() => undefined);
  }
}

export interface TestDatabase {
  readonly url: string;
  /** Runs a statement as the superuser in this database. */
  query(text: string, values?: unknown[]): Promise<pg.QueryResult>;
  drop(): Promise<void>;
}

/** A database of its own, for one test file. */
export async function createTestDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `genie_test_${randomBytes(6).toString('hex')}`;
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: url.href });
  client.on('error', () => undefined);
  await client.connect();
  return {
    url: url.href,
    query: (text, values) => client.query(text, values),
    async drop() {
      await client.end().catch(() => undefined);
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}

/** The name of a schema that no other case uses. */
export function freshSchema(): string {
  return `s_${randomBytes(6).toString('hex')}`;
}
