import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createContainerManager } from '../orchestrator/container-manager.ts';
import { shell, until, untilSays } from '../orchestrator/orchestrator-setup.ts';
import { runContainerJob } from '../orchestrator/run-job.ts';
import { createDockerOrchestrator } from './docker-orchestrator.ts';
import { dockerForTests } from './testing/docker-for-tests.ts';

const docker = dockerForTests();
const isRoot = process.getuid?.() === 0;
const dir = mkdtempSync(join(tmpdir(), 'genie-dockerd-'));
const socketPath = join(dir, 'docker.sock');
let daemon: ChildProcess | undefined;

/** Notes each start, goes on until it is asked to end, and ends with this code then. */
const lasting = (exitCode: number): string =>
  `trap "exit ${exitCode}" TERM; echo started >> "$HOME/starts"; echo ready > "$HOME/ready"; while :; do sleep 0.05; done`;

const tiny = 'genie-tiny:1';

/** A shell and what it needs, because moving the whole base image to a second daemon takes longer than everything else here. */
function importTinyImage(): void {
  const root = join(dir, 'root');
  const programs = ['/bin/sh', '/bin/sleep', '/bin/cat'];
  const libraries = programs.flatMap((program) => execFileSync('ldd', [program]).toString().match(/\/\S+/g) ?? []);
  for (const file of new Set([...programs, ...libraries])) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    copyFileSync(file, join(root, file));
  }
  mkdirSync(join(root, 'genie'));
  chownSync(join(root, 'genie'), 65_532, 65_532);
  execFileSync('/bin/sh', ['-c', `tar -C ${root} -cf - . | docker --host unix://${socketPath} import - ${tiny}`], {
    stdio: 'pipe',
  });
}

/**
 * A daemon of our own, because the machine's one is not ours to restart. In a network namespace of its own too: without a bridge, a daemon removes
 * the `docker0` that it finds, and that one belongs to the other.
 */
async function startDaemon(): Promise<void> {
  mkdirSync(join(dir, 'data'), { recursive: true });
  const options = [
    '--data-root',
    join(dir, 'data'),
    '--exec-root',
    join(dir, 'exec'),
    '--pidfile',
    join(dir, 'pid'),
    '--host',
    `unix://${socketPath}`,
  ];
  daemon = spawn(
    'unshare',
    ['--net', 'dockerd', ...options, '--bridge', 'none', '--iptables=false', '--ip6tables=false'],
    {
      stdio: 'ignore',
    },
  );
  await expect
    .poll(
      () =>
        createDockerOrchestrator({ image: 'none', socketPath, timeoutMs: 1_000 }).then(
          () => 'up',
          () => 'down',
        ),
      { timeout: 30_000, interval: 200 },
    )
    .toBe('up');
}

async function stopDaemon(signal: NodeJS.Signals): Promise<void> {
  const running = daemon;
  daemon = undefined;
  if (!running || running.exitCode !== null) return;
  const gone = new Promise((resolve) => running.once('exit', resolve));
  running.kill(signal);
  await gone;
}

afterAll(async () => {
  await stopDaemon('SIGTERM');
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});

describe.skipIf(docker.image === undefined || !isRoot)(
  `containers and their daemon ${docker.reason}`,
  { timeout: 120_000 },
  () => {
    it('run again after the daemon was stopped and started, by themselves', async () => {
      const bridge = networkInterfaces().docker0;
      await startDaemon();
      importTinyImage();
      const warnings: string[] = [];
      const orchestrator = await createDockerOrchestrator({ image: tiny, socketPath, timeoutMs: 10_000 });
      const manager = createContainerManager({
        orchestrator,
        spec: (name) => shell(name, name === 'polite' ? lasting(0) : lasting(143)),
        onWarning: ({ code }) => void warnings.push(code),
      });
      manager.watch();
      await manager.wake('one');
      await manager.wake('polite');
      // As a genie does: when it is asked to end, its run can be resumed.
      const job = runContainerJob({
        orchestrator,
        spec: (attempt) => shell('job', attempt === 0 ? lasting(130) : 'echo resumed'),
      });
      const before = await orchestrator.inspect('one');
      await until(orchestrator, 'job', ({ state }) => state === 'running');
      await untilSays(orchestrator, 'polite', 'cat "$HOME/ready"', /ready/);
      await untilSays(orchestrator, 'job', 'cat "$HOME/ready"', /ready/);
      await stopDaemon('SIGTERM');
      await expect(orchestrator.inspect('one')).rejects.toMatchObject({ code: 'GENIE_CONTAINER_UNREACHABLE' });
      await startDaemon();
      await until(orchestrator, 'one', ({ state }) => state === 'running');
      expect((await orchestrator.inspect('one'))?.id).toBe(before?.id);
      await untilSays(orchestrator, 'one', 'cat "$HOME/starts"', /started\nstarted\n/);
      expect(await job).toMatchObject({ exitCode: 0, stdout: 'resumed\n' });
      // Who ends well when it is asked to has done its work, whoever asked.
      expect(await orchestrator.inspect('polite')).toMatchObject({ state: 'stopped', exitCode: 0 });
      // A daemon that is on its way down may also fail at what it was asked last.
      expect(warnings).toContain('GENIE_CONTAINER_UNREACHABLE');
      await manager.close();
      for (const { name } of await orchestrator.list()) await orchestrator.destroy(name);
      expect(await orchestrator.list()).toEqual([]);
      expect(networkInterfaces().docker0).toEqual(bridge);
    });
  },
);

describe('a daemon that accepts and never answers', () => {
  it('is given up after the time limit', async () => {
    const silent = createServer(() => undefined);
    const path = join(dir, 'silent.sock');
    await new Promise<void>((resolve) => silent.listen(path, resolve));
    await expect(createDockerOrchestrator({ image: 'x', socketPath: path, timeoutMs: 200 })).rejects.toMatchObject({
      code: 'GENIE_CONTAINER_UNREACHABLE',
    });
    await expect(createDockerOrchestrator({ image: 'x', socketPath: join(dir, 'none.sock') })).rejects.toMatchObject({
      code: 'GENIE_CONTAINER_UNREACHABLE',
    });
    silent.close();
  });
});
