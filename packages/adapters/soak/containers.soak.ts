import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { createDockerOrchestrator } from '@genie/adapters/docker';
import { createContainerManager } from '@genie/adapters/orchestrator';
import { dockerForTests } from '../src/lib/docker/testing/docker-for-tests.ts';

export interface SoakOptions {
  readonly trials: number;
  readonly log: (line: string) => void;
}

/**
 * Makes and destroys containers, again and again, in a process that is killed every few cycles at a random moment. What is left of containers,
 * volumes and networks after the next manager cleared away is counted. One cycle for each ten trials, at least 100.
 */
export async function soak({ trials, log }: SoakOptions) {
  const { image, reason } = dockerForTests();
  if (image === undefined) throw new Error(`It needs Docker ${reason}`);
  const owner = `soak-${process.pid}`;
  const before = networks();
  const cycles = Math.max(100, Math.ceil(trials / 10));
  let done = 0;
  let kills = 0;
  while (done < cycles) {
    const victim = fork(new URL('./container-victim.ts', import.meta.url), [image, owner, String(done)], {
      execArgv: ['--conditions=@genie/source', '--disable-warning=ExperimentalWarning'],
    });
    const finished = await live(victim, 1_500 + Math.random() * 3_000);
    done += finished + 1;
    kills += 1;
    log(`${done} cycles, ${kills} kills`);
  }
  const orchestrator = await createDockerOrchestrator({ image, owner });
  const found = (await orchestrator.list()).length;
  const manager = createContainerManager({
    orchestrator,
    spec: () => {
      throw new Error('nothing is made');
    },
  });
  const reaped = await manager.reap(() => false);
  await manager.close();
  const left = (await orchestrator.list()).length + networks().filter((name) => !before.includes(name)).length;
  log(
    `${cycles} cycles, ${kills} kills of the manager, ${found} left half made, ${reaped.length} cleared away, ${left} left`,
  );
  return [
    {
      id: 'adapters.containers.orphans',
      what: `containers, volumes and networks left after ${cycles} cycles and ${kills} kills of the manager`,
      value: left,
      unit: 'things',
      reach: '= 0',
      ok: left === 0 && cycles >= 100,
    },
  ];
}

/** Kills it after a while; resolves to the cycles it finished. */
function live(victim: ChildProcess, lifeMs: number): Promise<number> {
  let finished = 0;
  victim.on('message', () => {
    finished += 1;
  });
  const timer = setTimeout(() => victim.kill('SIGKILL'), lifeMs);
  return new Promise((resolve) =>
    victim.on('exit', () => {
      clearTimeout(timer);
      resolve(finished);
    }),
  );
}

function networks(): string[] {
  return execFileSync('docker', ['network', 'ls', '--format', '{{.Name}}']).toString().trim().split('\n');
}
