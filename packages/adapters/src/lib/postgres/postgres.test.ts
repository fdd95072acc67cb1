import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import type { ConformanceReport } from '@genie/core/conformance';
import { approvalsSuite, createManualClock, journalSuite, memorySuite, runConformance } from '@genie/core/conformance';
import { createIds, type HeldLease, type Wakes } from '@genie/core/ports';
import { recordStoreSuite, sampleRecord, suiteDimension, vectorStoreSuite } from '@genie/memory/conformance';
import { metricsStoreSuite } from '@genie/metrics/conformance';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leaseSuite } from '../conformance/lease-suite.ts';
import { wakesSuite } from '../conformance/wakes-suite.ts';
import { runInParts } from '../docker/testing/run-in-parts.ts';
import { migratePostgres } from './migrations/migrate.ts';
import { openPool } from './open-pool.ts';
import { openPostgres, type Postgres, type PostgresOptions } from './open-postgres.ts';
import { createKillablePool } from './testing/killable-pool.ts';
import { createTestDatabase, type TestDatabase, whyNoServer } from './testing/test-databases.ts';

const serverUrl = process.env.GENIE_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const skipped = await whyNoServer(serverUrl);
if (skipped) console.warn(`skipped: ${skipped}`);

interface Place {
  /** More than one process can use it. */
  readonly isShared: boolean;
  open(options?: Partial<PostgresOptions>): Promise<Postgres>;
  /** Opens one that can be killed. */
  openVictim(options?: Partial<PostgresOptions>): Promise<{ readonly postgres: Postgres; kill(): Promise<void> }>;
  closeAll(): Promise<void>;
}

/** Where a guarded write goes. */
async function guarded(postgres: Postgres, genie: string, lease: HeldLease, id: string): Promise<void> {
  const { memoryStore } = postgres.genie(genie, { lease });
  await memoryStore.commit({ namespace: 'one', put: [sampleRecord(id)] });
}

/** Until a dead server is given up passes a quarter of a minute: that case runs in `soak/postgres-wakes.soak.ts`. */
const quickWakes = { ...wakesSuite, cases: wakesSuite.cases.filter(({ name }) => !name.endsWith('when it dies')) };

const failures = (report: ConformanceReport): unknown[] =>
  report.results.filter((result) => result.status !== 'passed');

/** A place closes what was opened in it, so cases that run at the same time have one each. */
function suites(createPlace: () => Place): void {
  const place = createPlace();
  let counter = 0;
  const nextGenie = (): string => {
    counter += 1;
    return `genie_${counter}`;
  };

  it('passes the journal suite', async () => {
    const report = await runConformance(journalSuite, async () => {
      const genie = nextGenie();
      const victim = await place.openVictim();
      return {
        setup: {
          journal: victim.postgres.genie(genie).journal,
          reopen: async () => {
            await victim.kill();
            return (await place.open()).genie(genie).journal;
          },
        },
        capabilities: new Set(['durable']),
        close: () => place.closeAll(),
      };
    });
    expect(failures(report)).toEqual([]);
  }, 60_000);

  it('passes the approvals suite', async () => {
    const report = await runConformance(approvalsSuite, async () => {
      const genie = nextGenie();
      const clock = createManualClock();
      const ids = createIds(clock);
      const another = async () => (await place.open({ clock, ids })).genie(genie).approvals;
      return {
        setup: { approvals: await another(), clock, openAnother: another },
        capabilities: new Set(['durable']),
        close: () => place.closeAll(),
      };
    });
    expect(failures(report)).toEqual([]);
  }, 60_000);

  it('passes the lease suite, with fenced writes', async () => {
    const report = await runConformance(leaseSuite, async () => {
      const genie = nextGenie();
      // Each case has its own tenant, so the same keys.
      const tenant = genie;
      const postgres = await place.open({ tenant });
      return {
        setup: {
          leases: postgres.leases,
          passTime: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
          another: async () => (await place.open({ tenant })).leases,
          guardedWrite: (lease, value) => guarded(postgres, genie, lease, value),
          written: async () => (await postgres.genie(genie).memoryStore.find({ namespace: 'one' })).map(({ id }) => id),
        },
        capabilities: new Set(['fencing']),
        close: () => place.closeAll(),
      };
    });
    expect(failures(report)).toEqual([]);
  }, 60_000);

  it('passes the wakes suite', async () => {
    // An embedded database has one transaction at a time, whoever began it.
    const results = await runInParts(quickWakes, place.isShared ? 3 : 1, async () => {
      const place = createPlace();
      const tenant = nextGenie();
      const wakes = await (await place.open({ tenant, wakeTickMs: 200 })).wakes();
      if (!place.isShared) return { setup: { wakes }, close: () => place.closeAll() };
      const kills = new Map<Wakes, () => Promise<void>>();
      const another = async () => {
        const victim = await place.openVictim({ tenant, wakeTickMs: 200 });
        const other = await victim.postgres.wakes();
        kills.set(other, victim.kill);
        return other;
      };
      return {
        setup: { wakes, another, kill: async (other) => kills.get(other)?.() },
        capabilities: new Set(['shared']),
        close: () => place.closeAll(),
      };
    });
    expect(results.filter((result) => result.status === 'failed')).toEqual([]);
    expect(results.filter((result) => result.status === 'unsupported')).toHaveLength(place.isShared ? 0 : 2);
    expect(results).toHaveLength(wakesSuite.cases.length - 1);
  }, 90_000);

  it('passes the record store suite', async () => {
    const postgres = await place.open();
    const report = await runConformance(recordStoreSuite, async () => {
      const genie = nextGenie();
      const { memoryStore } = postgres.genie(genie);
      const reopen = async () => {
        await memoryStore.close();
        return postgres.genie(genie).memoryStore;
      };
      return { setup: { store: memoryStore, reopen }, capabilities: new Set(['durable']) };
    });
    await place.closeAll();
    expect(failures(report)).toEqual([]);
  }, 60_000);

  it('passes the memory suite, working memory included', async () => {
    const postgres = await place.open();
    const report = await runConformance(memorySuite, async () => {
      const genie = nextGenie();
      const memory = postgres.genie(genie).openMemory();
      const reopen = async () => {
        await memory.close();
        return postgres.genie(genie).openMemory();
      };
      return { setup: { memory, reopen }, capabilities: new Set(['durable']) };
    });
    await place.closeAll();
    expect(failures(report)).toEqual([]);
  }, 60_000);

  it('passes the metrics store suite', async () => {
    const postgres = await place.open();
    const report = await runConformance(metricsStoreSuite, async () => {
      const genie = nextGenie();
      const { metricsStore } = postgres.genie(genie);
      const reopen = async () => {
        await metricsStore.close();
        return postgres.genie(genie).metricsStore;
      };
      return { setup: { store: metricsStore, reopen }, capabilities: new Set(['durable', 'compacts']) };
    });
    await place.closeAll();
    expect(failures(report)).toEqual([]);
  }, 60_000);
}

describe.skipIf(skipped)('openPostgres on a server', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase(serverUrl);
    const { pool, close } = await openPool({ url: database.url });
    await migratePostgres({ pool, schema: 'genie' });
    await close();
  });
  afterAll(() => database.drop());

  suites(() => {
    let opened: (() => Promise<void>)[] = [];
    return {
      isShared: true,
      async open(options = {}) {
        const postgres = await openPostgres({ url: database.url, migrate: false, maxConnections: 4, ...options });
        opened.push(() => postgres.close());
        return postgres;
      },
      async openVictim(options = {}) {
        const connections = createKillablePool(database.url);
        const postgres = await openPostgres({
          pool: connections.pool,
          migrate: false,
          journalRetryMs: 100,
          ...options,
        });
        let isDead = false;
        opened.push(async () => {
          const closing = postgres.close().then(() => connections.close());
          // What was killed has nobody who would wait for it.
          if (isDead) void closing.catch(() => undefined);
          else await closing;
        });
        const kill = async (): Promise<void> => {
          isDead = true;
          connections.kill();
        };
        return { postgres, kill };
      },
      async closeAll() {
        await Promise.all(opened.map((close) => close()));
        opened = [];
      },
    };
  });
});

describe('openVectorStore', () => {
  it('is pgvector where the extension is there, and passes the vector store suite', async () => {
    const lite = await PGlite.create({ extensions: { vector } });
    const postgres = await openPostgres({ pglite: lite });
    let counter = 0;
    const report = await runConformance(vectorStoreSuite, async () => {
      counter += 1;
      const { openVectorStore } = postgres.genie(`g${counter}`);
      return {
        setup: { store: await openVectorStore({ namespace: 'n', model: 'm', dimension: suiteDimension } as never) },
      };
    });
    expect(failures(report)).toEqual([]);
    const { openVectorStore } = postgres.genie('g1');
    const again = await openVectorStore({ namespace: 'n', model: 'm', dimension: suiteDimension } as never);
    expect([again.capabilities.name, again.size, again.has('v7')]).toEqual(['pgvector', 400, true]);
    await postgres.close();
    await lite.close();
  }, 60_000);

  it('is the scan in this process where the extension is missing', async () => {
    const lite = await PGlite.create();
    const postgres = await openPostgres({ pglite: lite });
    const { openVectorStore, memoryStore } = postgres.genie('g');
    // The scan looks its candidates up in the record store.
    const row = { id: 'a', model: 'm', vector: Float32Array.of(1, 0) };
    await memoryStore.commit({ namespace: 'n', put: [sampleRecord('a', { namespace: 'n' })], vectors: [row] });
    const store = await openVectorStore({ namespace: 'n', model: 'm', dimension: 2 } as never);
    await store.add([{ id: 'a', vector: [1, 0] }]);
    expect(store.capabilities.name).not.toBe('pgvector');
    expect((await store.search([1, 0.1], 1)).map(({ id }) => id)).toEqual(['a']);
    await postgres.close();
    await lite.close();
  }, 60_000);
});

describe('openPostgres on PGlite', () => {
  let lite: PGlite;
  beforeAll(async () => {
    lite = await PGlite.create();
    await (await openPostgres({ pglite: lite })).close();
  }, 30_000);
  afterAll(() => lite.close());

  suites(() => {
    let opened: Postgres[] = [];
    const open = async (options: Partial<PostgresOptions> = {}): Promise<Postgres> => {
      const postgres = await openPostgres({ pglite: lite, migrate: false, ...options });
      opened.push(postgres);
      return postgres;
    };

    return {
      isShared: false,
      open,
      async openVictim(options = {}) {
        const postgres = await open(options);
        // One process owns an embedded database, so whoever opens it finds only holders of earlier processes.
        return { postgres, kill: async () => void (await lite.query("UPDATE genie.holders SET seen_at = 'epoch'")) };
      },
      async closeAll() {
        for (const postgres of opened) await postgres.close();
        opened = [];
      },
    };
  });
});
