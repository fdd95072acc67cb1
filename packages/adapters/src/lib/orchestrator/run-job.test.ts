import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createLocalProcessOrchestrator } from '../local-process/local-process-orchestrator.ts';
import { containerFailed, unreachable } from './container-errors.ts';
import type { Orchestrator } from './orchestrator.ts';
import { shell } from './orchestrator-setup.ts';
import { runContainerJob } from './run-job.ts';

const dir = mkdtempSync(join(tmpdir(), 'genie-job-'));
const real = createLocalProcessOrchestrator({ dir });

afterAll(async () => {
  await real.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Creating fails with these, one after the other, and works then. */
function failing(errors: readonly Error[]): { readonly orchestrator: Orchestrator; left(): number } {
  const left = [...errors];
  return {
    orchestrator: {
      ...real,
      create: async (...asked) => {
        const error = left.shift();
        if (error) throw error;
        return real.create(...asked);
      },
    },
    left: () => left.length,
  };
}

const passing = (): Error => containerFailed('Creating one', new Error('database not open'), true);
const lasting = (): Error => containerFailed('Creating one', new Error('no such image'));

describe('runContainerJob', { timeout: 20_000 }, () => {
  it.each([130, 137, 143])('takes the exit code %i for a program that was cut off', async (exitCode) => {
    const outcome = await runContainerJob({
      orchestrator: real,
      spec: (attempt) => shell('one', attempt === 0 ? `exit ${exitCode}` : 'exit 3'),
    });
    expect(outcome).toMatchObject({ exitCode: 3, attempts: 2 });
  });

  it('goes on after trouble that a runtime has while it goes down and comes back', async () => {
    const { orchestrator } = failing([passing(), unreachable('It', new Error('gone')), passing()]);
    const outcome = await runContainerJob({ orchestrator, spec: () => shell('one', 'exit 0') });
    expect(outcome).toMatchObject({ exitCode: 0, attempts: 4 });
  });

  it('gives up at once on what stays wrong, and after a while on trouble that does not pass', async () => {
    const wrong = failing([lasting(), lasting()]);
    await expect(
      runContainerJob({ orchestrator: wrong.orchestrator, spec: () => shell('one', 'exit 0') }),
    ).rejects.toThrow('no such image');
    expect(wrong.left()).toBe(1);
    const troubled = failing(Array.from({ length: 20 }, passing));
    await expect(
      runContainerJob({ orchestrator: troubled.orchestrator, spec: () => shell('one', 'exit 0') }),
    ).rejects.toThrow('database not open');
    expect(troubled.left()).toBe(14);
  });
});
