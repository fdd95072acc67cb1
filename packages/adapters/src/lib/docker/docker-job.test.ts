import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { Orchestrator } from '../orchestrator/orchestrator.ts';
import { runContainerJob } from '../orchestrator/run-job.ts';
import { createDockerOrchestrator } from './docker-orchestrator.ts';
import { dockerForTests } from './testing/docker-for-tests.ts';
import { createGenieJob, type GenieJob } from './testing/genie-job.ts';

const docker = dockerForTests();
const isRoot = process.getuid?.() === 0;

/** A run as `genie show --json` tells it. */
interface ShownRun {
  readonly status: string;
}

describe.skipIf(docker.image === undefined || !isRoot)(
  `a genie in a container ${docker.reason}`,
  { timeout: 120_000 },
  () => {
    let job: GenieJob;
    let orchestrator: Orchestrator;
    const owner = `test-${randomUUID().slice(0, 8)}`;
    afterEach(async () => {
      for (const { name } of (await orchestrator?.list()) ?? []) await orchestrator.destroy(name);
      job.remove();
    });

    it('does its job, and survives docker kill at any moment', async () => {
      job = createGenieJob(['Add a parser', 'Fix the parser for empty input']);
      orchestrator = await createDockerOrchestrator({ image: docker.image ?? '', owner });
      let kills = 0;
      const killer = new AbortController();
      const killing = (async () => {
        // Once while it starts and once in the middle; the last attempt is left alone. `genie run --sandbox docker` has more of them.
        for (const afterMs of [600, 1_500]) {
          await sleep(afterMs, undefined, { signal: killer.signal });
          await promisify(execFile)('docker', ['kill', `${owner}-news`]).then(
            () => (kills += 1),
            () => undefined,
          );
        }
      })().catch(() => undefined);
      const outcome = await runContainerJob({ orchestrator, spec: (attempt) => job.spec('news', attempt) });
      killer.abort();
      await killing;
      expect(outcome).toMatchObject({ exitCode: 0, attempts: kills + 1 });
      const { runs } = JSON.parse(job.genie(['show', '--home', job.home, '--json'])) as { runs: ShownRun[] };
      expect(kills).toBeGreaterThan(0);
      expect(runs.filter(({ status }) => status === 'completed')).toHaveLength(1);
      expect(runs.filter(({ status }) => status !== 'completed' && status !== 'skipped')).toEqual([]);
    });
  },
);
