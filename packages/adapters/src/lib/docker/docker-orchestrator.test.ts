import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import type { Orchestrator } from '../orchestrator/orchestrator.ts';
import { orchestratorSuite } from '../orchestrator/orchestrator-suite.ts';
import { createDockerOrchestrator } from './docker-orchestrator.ts';
import { dockerForTests } from './testing/docker-for-tests.ts';
import { runInParts } from './testing/run-in-parts.ts';

const docker = dockerForTests();

describe.skipIf(docker.image === undefined)(`createDockerOrchestrator ${docker.reason}`, { timeout: 240_000 }, () => {
  const owners = new Set<string>();
  const open = (owner: string): Promise<Orchestrator> => {
    owners.add(owner);
    return createDockerOrchestrator({ image: docker.image ?? '', owner });
  };
  afterAll(async () => {
    for (const owner of owners) {
      const orchestrator = await open(owner);
      for (const { name } of await orchestrator.list()) await orchestrator.destroy(name);
    }
  });

  it('keeps the promises of the port', async () => {
    const results = await runInParts(orchestratorSuite, 3, async () => {
      const owner = `test-${randomUUID().slice(0, 8)}`;
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
    for (const { name, status, reason } of results) if (status === 'unsupported') console.log(`${name}: ${reason}`);
    if (process.env.SHOW_TIMES) for (const { name, tookMs } of results) console.log(Math.round(tookMs), name);
    expect(results.filter(({ status }) => status !== 'passed')).toEqual([]);
  });
});
