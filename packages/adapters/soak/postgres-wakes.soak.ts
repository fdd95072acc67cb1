import { openPostgres, type Postgres } from '@genie/adapters/postgres';
import { type ConformanceSetup, runConformance } from '@genie/core/conformance';
import type { Wakes } from '@genie/core/ports';
import type { Row } from '../bench/row.ts';
import { serverUrl } from '../bench/server-url.ts';
import { type WakesSetup, wakesSuite } from '../src/lib/conformance/wakes-suite.ts';
import { createKillablePool, type KillablePool } from '../src/lib/postgres/testing/killable-pool.ts';
import { createTestDatabase } from '../src/lib/postgres/testing/test-databases.ts';

/** The wakes suite with the case that the tests leave out for its quarter of a minute: a server dies with a wake. Once for each 100 trials. */
export async function soak({
  trials,
  log,
}: {
  readonly trials: number;
  readonly log: (line: string) => void;
}): Promise<Row[]> {
  const database = await createTestDatabase(serverUrl);
  const rounds = Math.max(1, Math.floor(trials / 100));
  let failed = 0;
  let ran = 0;
  try {
    await (await openPostgres({ url: database.url })).close();
    for (let round = 0; round < rounds; round += 1) {
      const cases =
        round === 0 ? wakesSuite.cases : wakesSuite.cases.filter(({ name }) => name.endsWith('when it dies'));
      const { results } = await runConformance({ ...wakesSuite, cases }, () => createServers(database.url, `${round}`));
      for (const { name, status, reason } of results) {
        ran += 1;
        if (status === 'passed') continue;
        failed += 1;
        log(`${status}: ${name}: ${reason}`);
      }
      log(`${round + 1} of ${rounds} rounds, ${failed} of ${ran} cases failed`);
    }
  } finally {
    await database.drop();
  }
  return [
    {
      id: 'adapters.wakes.suite',
      what: `cases of the wakes suite on Postgres that failed, servers that die included, ${ran} run`,
      value: failed,
      unit: 'cases',
      reach: '= 0',
      ok: failed === 0 && ran >= wakesSuite.cases.length,
    },
  ];
}

let tenants = 0;

/** Servers of a tenant of their own; each can be killed with its connections. */
async function createServers(url: string, round: string): Promise<ConformanceSetup<WakesSetup>> {
  tenants += 1;
  const tenant = `soak-${round}-${tenants}`;
  const pools = new Map<Wakes, KillablePool>();
  const dead = new Set<Wakes>();
  const opened = new Map<Wakes, Postgres>();
  const another = async (): Promise<Wakes> => {
    const connections = createKillablePool(url);
    const postgres = await openPostgres({ pool: connections.pool, migrate: false, tenant, wakeTickMs: 200 });
    const wakes = await postgres.wakes();
    opened.set(wakes, postgres);
    pools.set(wakes, connections);
    return wakes;
  };
  const kill = async (wakes: Wakes): Promise<void> => {
    dead.add(wakes);
    pools.get(wakes)?.kill();
  };
  return {
    setup: { wakes: await another(), another, kill },
    capabilities: new Set(['shared']),
    async close() {
      for (const [wakes, postgres] of opened) {
        const closing = postgres.close().then(() => pools.get(wakes)?.close());
        // What was killed has nobody who would wait for it.
        if (dead.has(wakes)) void closing.catch(() => undefined);
        else await closing;
      }
    },
  };
}
