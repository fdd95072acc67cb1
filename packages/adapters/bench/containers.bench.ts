import { execFileSync } from 'node:child_process';
import { createDockerOrchestrator } from '@genie/adapters/docker';
import { createContainerManager } from '@genie/adapters/orchestrator';
import { dockerForTests } from '../src/lib/docker/testing/docker-for-tests.ts';
import { createGenieJob } from '../src/lib/docker/testing/genie-job.ts';

const rounds = 9;

/** Waking a genie's container against plain `docker start` of the same one, and the fast path. Needs Docker and root. */
export async function bench({ log }: { readonly log: (line: string) => void }) {
  const { image, reason } = dockerForTests();
  if (image === undefined) {
    log(`skipped ${reason}`);
    return [];
  }
  const owner = `bench-${process.pid}`;
  const orchestrator = await createDockerOrchestrator({ image, owner });
  const job = createGenieJob(['Add a parser']);
  const spec = (name: string) =>
    name === 'idle' ? { name, command: ['/bin/sleep', '600'] as const } : job.spec(name, 0);
  const manager = createContainerManager({
    orchestrator,
    spec: (name) => ({ ...spec(name), command: [...spec(name).command] as [string, ...string[]] }),
  });
  try {
    await orchestrator.create(spec('news'));
    const plain: number[] = [];
    const woken: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      plain.push(await untilFirstPhase(`${owner}-news`, () => void execFileSync('docker', ['start', `${owner}-news`])));
      woken.push(await untilFirstPhase(`${owner}-news`, () => manager.wake('news')));
    }
    await manager.wake('idle');
    const unpaused: number[] = [];
    for (let round = 0; round < rounds * 3; round += 1) {
      await orchestrator.pause('idle');
      unpaused.push((await manager.wake('idle')).tookMs);
    }
    log(
      `plain ${plain.map(Math.round)} ms, woken ${woken.map(Math.round)} ms, unpaused ${unpaused.map(Math.round)} ms`,
    );
    const ratio = median(woken) / median(plain);
    return [
      {
        id: 'adapters.containers.wake',
        what: 'wake to the first phase event, against plain docker start',
        value: ratio,
        unit: '×',
        reach: '≤ 1.2',
        ok: ratio <= 1.2,
      },
      {
        id: 'adapters.containers.unpause',
        what: 'unpause, median',
        value: median(unpaused),
        unit: 'ms',
        reach: '≤ 100',
        ok: median(unpaused) <= 100,
      },
    ];
  } finally {
    await manager.close();
    for (const { name } of await orchestrator.list()) await orchestrator.destroy(name);
    job.remove();
  }
}

/** Starts it and follows what it prints until the first phase is named; then waits for its end, so that the next start finds it stopped. */
async function untilFirstPhase(container: string, start: () => unknown): Promise<number> {
  const since = new Date().toISOString();
  const startedAt = performance.now();
  await start();
  const { spawn } = await import('node:child_process');
  const logs = spawn('docker', ['logs', '--follow', '--since', since, container], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const first = Promise.withResolvers<number>();
  let text = '';
  for (const stream of [logs.stdout, logs.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (/wake/.test(text)) first.resolve(performance.now() - startedAt);
    });
  }
  await new Promise((resolve) => logs.on('close', resolve));
  first.reject(new Error(`no phase was named:\n${text}`));
  return first.promise;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
