import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { GenieError } from '@genie/core/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgres } from './open-postgres.ts';
import { createTestDatabase, type TestDatabase, whyNoServer } from './testing/test-databases.ts';

const serverUrl = process.env.GENIE_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const skipped = await whyNoServer(serverUrl);
if (skipped) console.warn(`skipped: ${skipped}`);

interface Line {
  readonly url: string;
  /** From now on nothing gets through, and nothing is said about it. */
  silence(isSilent: boolean): void;
  close(): void;
}

/** A line to the server that can go silent, as a firewall makes it that forgot the connection. */
async function openLine(target: URL): Promise<Line> {
  const open = new Set<Socket>();
  let isSilent = false;
  const server: Server = createServer((near) => {
    const far = connect(Number(target.port || 5432), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('data', (chunk) => void (isSilent || to.write(chunk)));
      from.on('error', () => undefined).on('close', () => to.destroy());
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = new URL(target);
  url.port = String((server.address() as { port: number }).port);
  return {
    url: url.href,
    silence: (silent) => {
      isSilent = silent;
    },
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (GenieError.isInstance(error) ? error.code : error),
  );

describe.skipIf(skipped)('openPostgres on a line that goes silent', { timeout: 30_000 }, () => {
  let database: TestDatabase;
  let line: Line;
  beforeAll(async () => {
    database = await createTestDatabase(serverUrl);
    line = await openLine(new URL(database.url));
  });
  afterAll(async () => {
    line.close();
    await database.drop();
  });

  it('rejects each call with the code of its port, in the time of one statement, and works again afterwards', async () => {
    const postgres = await openPostgres({
      url: line.url,
      statementTimeoutMs: 300,
      connectTimeoutMs: 300,
      journalRetryMs: 300,
    });
    const { openMemory, approvals, metricsStore, journal } = postgres.genie('g');
    const memory = openMemory();
    await memory.working.set('cursor', 1);
    const run = await journal.open('run_1');
    line.silence(true);
    const startedAt = performance.now();
    run.append({ kind: 'opened', at: 1, meta: {} });
    const action = { kind: 'tool', genieId: 'g', subject: 'x', payload: {} } as const;
    const codes = await Promise.all([
      codeOf(memory.working.get('cursor')),
      codeOf(memory.remember({ text: 'The roof leaks' })),
      codeOf(approvals.request({ action, title: 'Ask' })),
      codeOf(metricsStore.records('change', {})),
      codeOf(postgres.leases.acquire('k', { ttlMs: 1_000 })),
      codeOf(Promise.resolve(run.settled())),
    ]);
    expect(codes).toEqual([
      'GENIE_MEMORY_STORE',
      'GENIE_MEMORY_STORE',
      'GENIE_APPROVAL_STORE',
      'GENIE_METRICS_STORE',
      'GENIE_LEASE_STORE',
      'GENIE_JOURNAL_FAILED',
    ]);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    line.silence(false);
    let value: unknown;
    for (let tries = 0; value === undefined && tries < 50; tries += 1) {
      value = await memory.working.get('cursor').catch(() => pause(50).then(() => undefined));
    }
    expect(value).toBe(1);
    await memory.close();
    await postgres.close();
  });

  it('closes while the line is silent', async () => {
    const postgres = await openPostgres({ url: line.url, statementTimeoutMs: 300, connectTimeoutMs: 300 });
    await postgres.genie('g').openMemory().working.get('cursor');
    line.silence(true);
    const startedAt = performance.now();
    await postgres.close();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    line.silence(false);
  });
});

describe('openPostgres with a wrong password', () => {
  it('says so, and does not repeat it', async () => {
    // The two answers of a server that asks for a password and refuses it: AuthenticationCleartextPassword and ErrorResponse.
    const fields = ['SFATAL', 'C28P01', 'Mpassword authentication failed for user "genie"', '']
      .map((field) => `${field}\0`)
      .join('');
    const refusal = Buffer.alloc(5 + fields.length);
    refusal.write('E');
    refusal.writeInt32BE(4 + fields.length, 1);
    refusal.write(fields, 5);
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
        socket.once('data', () => socket.end(refusal));
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as { port: number };
    const error = (await openPostgres({ url: `postgres://genie:s3cret-word@127.0.0.1:${port}/x` }).catch(
      (thrown: unknown) => thrown,
    )) as Error;
    server.close();
    expect(error).toMatchObject({
      code: 'GENIE_POSTGRES_CONNECT',
      message: expect.stringContaining('refuses this user or password'),
    });
    expect(JSON.stringify(error) + error.stack).not.toContain('s3cret-word');
  });
});
