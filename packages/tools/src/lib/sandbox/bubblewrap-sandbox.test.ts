import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { createSandbox } from './create-sandbox.ts';
import { availability } from './testing/availability.ts';
import { killWhileStarting } from './testing/kill-while-starting.ts';

const isRoot = process.getuid?.() === 0;
const limits = { timeoutMs: 8000, maxOutputBytes: 100_000 };
const script = (text: string) => ({
  command: ['/bin/sh', '-c', text] as const,
  workingDirectory: '.',
  environment: {},
  limits,
});

describe('createSandbox', () => {
  it.each(['/', '/etc', '/usr', '/tmp', '/root', '/home', 'relative', '/no/such/folder'])(
    'refuses %s as a workspace',
    async (workspace) => {
      await expect(createSandbox({ workspace })).rejects.toMatchObject({ code: 'GENIE_OPTIONS_INVALID' });
    },
  );

  it('refuses rather than run without a sandbox', async () => {
    using workspace = temporaryFolder();
    await expect(createSandbox({ workspace: workspace.path, program: '/bin/false' })).rejects.toMatchObject({
      code: 'GENIE_SANDBOX_UNAVAILABLE',
    });
    await expect(createSandbox({ workspace: workspace.path, program: '/no/bwrap' })).rejects.toMatchObject({
      code: 'GENIE_SANDBOX_UNAVAILABLE',
    });
  });

  it.runIf(isRoot)('never runs a command as root', async () => {
    using workspace = temporaryFolder();
    await expect(createSandbox({ workspace: workspace.path, runAs: { uid: 0, gid: 0 } })).rejects.toMatchObject({
      code: 'GENIE_SANDBOX_UNAVAILABLE',
    });
  });
});

describe.skipIf(!availability.sandbox)(`the bubblewrap sandbox ${availability.sandboxReason}`, () => {
  it.runIf(isRoot)(
    'drops to a real user and hands the workspace over, but no link target and no hard link',
    async () => {
      using workspace = temporaryFolder();
      using outside = temporaryFolder();
      const foreign = outside.write('foreign', 'x');
      workspace.write('sub/file', 'x');
      execFileSync('ln', [foreign, `${workspace.path}/hard`]);
      execFileSync('ln', ['-s', foreign, `${workspace.path}/soft`]);
      const sandbox = await createSandbox({ workspace: workspace.path });
      const { exitCode } = await sandbox.run(script('echo more >> sub/file && touch made'));
      expect(exitCode).toBe(0);
      expect(lstatSync(`${workspace.path}/made`).uid).toBe(65532);
      expect(lstatSync(foreign).uid).toBe(0);
      await sandbox.close();
    },
  );

  it('works in a home that only its owner may enter, and shows nothing of where that is but the mount', async () => {
    using home = temporaryFolder();
    mkdirSync(`${home.path}/workspace`, { mode: 0o700 });
    process.env.GENIE_TEST_PLACE = home.path;
    const sandbox = await createSandbox({ workspace: `${home.path}/workspace` });
    const result = await sandbox.run(
      script(
        `touch made; pwd; cat /proc/[0-9]*/environ | tr "\\0" "\\n" | grep -E "${home.path}|^(OLD)?PWD=" | sort -u`,
      ),
    );
    delete process.env.GENIE_TEST_PLACE;
    expect(result).toMatchObject({ stdout: '/workspace\nPWD=/workspace\n', stderr: '' });
    expect(lstatSync(`${home.path}/workspace/made`).uid).toBe(isRoot ? 65532 : process.getuid?.());
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('genie-sandbox-');
    await sandbox.close();
  });

  it('leaves nothing running when the runtime is killed while commands start', async () => {
    using workspace = temporaryFolder();
    for (const [round, afterMs] of [2, 6, 11, 18, 30].entries())
      expect(await killWhileStarting(workspace.path, { mark: `${40_000 + process.pid}.${round}25`, afterMs })).toBe(0);
  }, 60_000);

  it('covers descriptors that its own parent left open', async () => {
    using workspace = temporaryFolder();
    const program = `
      const { createSandbox } = await import(${JSON.stringify(new URL('./create-sandbox.ts', import.meta.url).href)});
      const sandbox = await createSandbox({ workspace: ${JSON.stringify(workspace.path)} });
      const result = await sandbox.run({ command: ['/bin/sh', '-c', 'ls /proc/self/fd/150/ /proc/self/fd/200/; readlink /proc/self/fd/150 /proc/self/fd/200'], workingDirectory: '.', environment: {}, limits: ${JSON.stringify(limits)} });
      console.log(JSON.stringify(result));
      await sandbox.close();`;
    const child = spawn(
      '/bin/bash',
      [
        '-c',
        'exec 150</ 200</etc; exec "$0" "$@"',
        process.execPath,
        '--conditions=@genie/source',
        '--input-type=module',
        '-e',
        program,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    await once(child, 'close');
    expect(JSON.parse(output).stdout).toBe('/dev/null\n/dev/null\n');
  });

  it('ends every command when the runtime is killed', async () => {
    using workspace = temporaryFolder();
    const mark = `${80_000 + process.pid}.5`;
    const program = `
      const { createSandbox } = await import(${JSON.stringify(new URL('./create-sandbox.ts', import.meta.url).href)});
      const sandbox = await createSandbox({ workspace: ${JSON.stringify(workspace.path)} });
      sandbox.run({ command: ['/bin/sh', '-c', 'setsid sleep ${mark} & sleep ${mark}'], workingDirectory: '.', environment: {}, limits: { timeoutMs: 60000, maxOutputBytes: 1000 } });
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 300);`;
    const child = spawn(process.execPath, ['--conditions=@genie/source', '--input-type=module', '-e', program], {
      stdio: 'ignore',
    });
    await once(child, 'close');
    const left = () =>
      readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .filter((pid) => commandOf(pid).includes(`sleep\0${mark}`));
    for (let tries = 0; tries < 100 && left().length > 0; tries += 1) await sleep(20);
    expect(left()).toEqual([]);
  });

  it('reaches only what listens inside the network namespace it is given', async () => {
    using workspace = temporaryFolder();
    if (isRoot) chownSync(workspace.path, 65532, 65532);
    const holder = spawn('unshare', ['-Urn', 'sh', '-c', 'ip link set lo up 2>/dev/null; echo ready; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      ...(isRoot ? { uid: 65532, gid: 65532 } : {}),
    });
    const server = createServer((_request, response) => response.end('host')).listen(0, '127.0.0.1');
    try {
      await once(holder.stdout, 'data');
      const enter = [
        '/usr/bin/nsenter',
        `--user=/proc/${holder.pid}/ns/user`,
        `--net=/proc/${holder.pid}/ns/net`,
        '--preserve-credentials',
      ] as const;
      const sandbox = await createSandbox({
        workspace: workspace.path,
        network: { enter: [...enter], environment: { HTTP_PROXY: 'http://127.0.0.1:3128' }, grade: 'contained' },
      });
      const namespace = execFileSync('readlink', [`/proc/${holder.pid}/ns/net`], { encoding: 'utf8' });
      const inside = await sandbox.run(
        script('readlink /proc/self/ns/net; echo $HTTP_PROXY; grep -E "^Cap(Prm|Eff)" /proc/self/status; id -u'),
      );
      expect(inside.stdout).toBe(
        `${namespace}http://127.0.0.1:3128\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n1000\n`,
      );
      const { port } = server.address() as { port: number };
      const tried = await sandbox.run(
        script(
          `perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => ${port}, Timeout => 2) ? "through" : "refused"'`,
        ),
      );
      expect(tried.stdout).toBe('refused');
      await sandbox.close();
    } finally {
      holder.kill('SIGKILL');
      server.close();
    }
  });

  it('leaves nothing running when it is killed at any moment of its start', async () => {
    using workspace = temporaryFolder();
    const mark = `${60_000 + process.pid}.5`;
    const sandbox = await createSandbox({ workspace: workspace.path });
    for (let round = 0; round < 120; round += 1) {
      const signal = new AbortController();
      const running = sandbox.run(script(`setsid sleep ${mark} & sleep ${mark}`), { signal: signal.signal });
      const until = performance.now() + (round % 40) / 8;
      while (performance.now() < until);
      signal.abort();
      expect((await running).killedBy).toBe('abort');
    }
    await sandbox.close();
    await sleep(100);
    const left = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandOf(name).includes(mark));
    expect(left).toEqual([]);
  }, 60_000);

  it('watches memory where no control group can be made', async () => {
    using workspace = temporaryFolder();
    const sandbox = await createSandbox({ workspace: workspace.path, controlGroups: false });
    expect(sandbox.capabilities.limitsMemory).toBe(false);
    expect(sandbox.capabilities.doesNotStop.join()).toContain('memory');
    const one = `perl -e 'my $x = "x" x 40_000_000; sleep 5'`;
    const result = await sandbox.run({
      ...script(`${one} & ${one} & ${one} & wait`),
      limits: { ...limits, maxMemoryBytes: 100_000_000 },
    });
    expect(result.killedBy).toBe('memory');
    await sandbox.close();
    await expect(sandbox.run(script('true'))).rejects.toMatchObject({ code: 'GENIE_SANDBOX_UNAVAILABLE' });
  });

  it('leaves no folder and no control group behind', async () => {
    using workspace = temporaryFolder();
    const before = leftovers();
    const sandbox = await createSandbox({ workspace: workspace.path });
    await sandbox.run({ ...script('true'), limits: { ...limits, maxMemoryBytes: 100_000_000 } });
    await sandbox.close();
    expect(leftovers()).toEqual(before);
  });
});

function leftovers(): string[] {
  const groups = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'].flatMap((folder) => {
    try {
      return readdirSync(folder).filter((name) => name.startsWith(`genie-${process.pid}-`));
    } catch {
      return [];
    }
  });
  return groups;
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
