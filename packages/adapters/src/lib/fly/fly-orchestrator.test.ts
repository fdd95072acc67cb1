import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInParts } from '../docker/testing/run-in-parts.ts';
import type { Orchestrator } from '../orchestrator/orchestrator.ts';
import { idle, shell } from '../orchestrator/orchestrator-setup.ts';
import { orchestratorSuite } from '../orchestrator/orchestrator-suite.ts';
import { createFlyOrchestrator } from './fly-orchestrator.ts';
import { type FlyServer, startFlyServer } from './testing/fly-server.ts';

const dir = mkdtempSync(join(tmpdir(), 'genie-fly-'));
let server: FlyServer;
beforeAll(async () => {
  server = await startFlyServer(dir);
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

const open = (owner: string, more: object = {}): Promise<Orchestrator> =>
  createFlyOrchestrator({
    app: server.app,
    token: server.token,
    origin: server.origin,
    fetch,
    image: 'registry.fly.io/genie:1',
    owner,
    pollMs: 50,
    ...more,
  });

describe('createFlyOrchestrator', { timeout: 120_000 }, () => {
  it('keeps the promises of the port, as far as the API can', async () => {
    const results = await runInParts(orchestratorSuite, 3, async () => {
      const owner = `t-${randomUUID().slice(0, 8)}`;
      const orchestrator = await open(owner);
      return {
        setup: { orchestrator, reopen: () => open(owner), openOther: () => open(`${owner}-other`) },
        capabilities: new Set(
          Object.entries(orchestrator.capabilities).flatMap(([name, value]) => (value === true ? [name] : [])),
        ),
        async close() {
          for (const { name } of await orchestrator.list()) await orchestrator.destroy(name);
        },
      };
    });
    for (const { name, status, reason } of results)
      if (status === 'unsupported') console.log(`unsupported: ${name}: ${reason}`);
    expect(results.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(results.filter(({ status }) => status === 'unsupported')).toHaveLength(10);
    expect(server.volumeNames()).toEqual([]);
  });

  it('waits when it is told that it asks too often, and tries again what the server could not answer', async () => {
    const orchestrator = await open('rate');
    server.failures.push({ status: 429, retryAfterSeconds: 1 }, { status: 503 });
    const startedAt = performance.now();
    expect(await orchestrator.list()).toEqual([]);
    expect(performance.now() - startedAt).toBeGreaterThan(900);
  });

  it('does not repeat the making of a machine whose answer was lost, and leaves no volume of it', async () => {
    const orchestrator = await open('lost');
    const before = server.calls.length;
    server.failures.push({ status: 500, on: 'POST /machines' });
    const work = orchestrator.create(shell('one', idle));
    await expect(work).rejects.toMatchObject({ code: 'GENIE_CONTAINER_FAILED' });
    expect(
      server.calls.slice(before).filter((call) => call.startsWith('POST') && call.endsWith('/machines')),
    ).toHaveLength(1);
    expect(await orchestrator.list()).toEqual([]);
  });

  it('refuses a wrong token, a silent server, and names that a volume cannot have', async () => {
    await expect(open('x', { token: 'wrong' })).rejects.toThrow(/401/);
    server.isSilent = true;
    await expect(open('x', { timeoutMs: 100, maxTries: 1 })).rejects.toMatchObject({
      code: 'GENIE_CONTAINER_UNREACHABLE',
    });
    server.isSilent = false;
    const orchestrator = await open('x');
    await expect(orchestrator.create(shell('a-name-of-more-than-21', idle))).rejects.toMatchObject({
      code: 'GENIE_CONTAINER_SPEC',
    });
    await expect(
      orchestrator.create(shell('one', idle, { mounts: [{ source: '/a', target: '/b' }] })),
    ).rejects.toMatchObject({ code: 'GENIE_CONTAINER_UNSUPPORTED' });
  });
});
