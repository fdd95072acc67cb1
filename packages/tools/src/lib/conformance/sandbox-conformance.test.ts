import { spawn } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, readFileSync } from 'node:fs';
import type { SandboxCommand, SandboxPort, SandboxResult } from '@genie/core';
import { type ConformanceSetup, runConformance } from '@genie/core/conformance';
import { describe, expect, it } from 'vitest';
import { createSandbox } from '../sandbox/create-sandbox.ts';
import { availability } from '../sandbox/testing/availability.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { type SandboxSetup, sandboxConformance } from './sandbox-conformance.ts';

/** Broken forms leave processes behind, which is what they are for. Their time to sleep names this process. */
function endLeftovers(): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
      if (words[0] === 'sleep' && words[1]?.startsWith(`${90_000 + process.pid}.`))
        process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
}

type Wrap = (sandbox: SandboxPort, workspace: string) => SandboxPort;
const user = process.getuid?.() === 0 ? { uid: 65532, gid: 65532 } : {};

async function setup(wrap: Wrap = (sandbox) => sandbox): Promise<ConformanceSetup<SandboxSetup>> {
  const workspace = temporaryFolder();
  const outside = temporaryFolder();
  chmodSync(outside.path, 0o755);
  const secretFile = outside.write('file', 'secret');
  if (user.uid !== undefined) chownSync(workspace.path, user.uid, user.gid);
  const real = await createSandbox({ workspace: workspace.path });
  const capabilities = new Set(
    Object.entries(real.capabilities)
      .filter(([, value]) => value === true)
      .map(([name]) => name),
  );
  return {
    setup: {
      sandbox: wrap(real, workspace.path),
      workspace: workspace.path,
      secretFile,
      hostVariables: Object.keys(process.env),
    },
    capabilities,
    async close() {
      await real.close();
      endLeftovers();
      workspace[Symbol.dispose]();
      outside[Symbol.dispose]();
    },
  };
}

const changed =
  (change: (command: SandboxCommand) => SandboxCommand): Wrap =>
  (sandbox) => ({
    ...sandbox,
    run: (command, options) => sandbox.run(change(command), options),
  });
const answered =
  (change: (result: SandboxResult) => Partial<SandboxResult>): Wrap =>
  (sandbox) => ({
    ...sandbox,
    run: async (command, options) => {
      const result = await sandbox.run(command, options);
      return { ...result, ...change(result) };
    },
  });
const unlimited = (name: string): Wrap =>
  changed((command) => ({
    ...command,
    limits: { ...command.limits, [name]: name === 'timeoutMs' ? 10_000 : 4_000_000_000 },
  }));

/** No sandbox at all: what a careless implementation would do. */
const bare: Wrap = (sandbox, workspace) => ({
  ...sandbox,
  run: (command, options) =>
    new Promise((resolve) => {
      const [program, ...rest] = command.command;
      const child = spawn(program, rest, {
        cwd: `${workspace}/${command.workingDirectory}`,
        env: { ...process.env, ...command.environment },
        ...user,
        timeout: command.limits.timeoutMs,
        ...options,
      });
      let stdout = '';
      child.stdout.on('data', (chunk) => (stdout += chunk));
      child.on('error', () => resolve({ exitCode: 0, stdout, stderr: '', truncated: false, tookMs: 1 }));
      child.on('exit', () =>
        setTimeout(() => resolve({ exitCode: 0, stdout, stderr: '', truncated: false, tookMs: 1 }), 20),
      );
      child.stdin.on('error', () => undefined).end(command.stdin);
    }),
});

const brokenForms: Readonly<Record<string, readonly [Wrap, ...string[]]>> = {
  'loses the exit code': [
    answered(() => ({ exitCode: 0 })),
    'gives exit code and both outputs',
    'says that a program does not exist',
  ],
  'puts a shell in between': [
    changed((command) =>
      command.command[0] === '/bin/sh'
        ? command
        : { ...command, command: ['/bin/sh', '-c', command.command.join(' ')] },
    ),
    'runs a program without a shell in between',
  ],
  'drops the input': [changed(({ stdin: _dropped, ...command }) => command), 'passes standard input'],
  'passes its own environment on': [
    changed((command) => ({
      ...command,
      environment: {
        ...(Object.fromEntries(Object.entries(process.env).filter(([name]) => /^[A-Z]+$/.test(name))) as Record<
          string,
          string
        >),
        NODE_ENV: 'x',
        ...command.environment,
      },
    })),
    'passes the given environment and nothing of its own',
  ],
  'ignores bad variables': [
    changed((command) => ({ ...command, environment: {} })),
    'refuses a variable that cannot be one',
  ],
  'ignores the working directory': [
    changed((command) => ({ ...command, workingDirectory: '.' })),
    'keeps what is written to the workspace, and starts in the folder asked for',
    'refuses a working directory outside of the workspace',
  ],
  'runs outside of any sandbox': [
    bare,
    'shows nothing of the host outside of the workspace',
    'does not follow a link as working directory out of the workspace',
    'shows no process but its own',
    'leaves no process behind when the command ends, and does not wait for one',
    'ends a command at its time limit, and everything it started',
    'ends at an abort, and everything it started',
    'limits the number of processes',
  ],
  'has a network': [
    answered((result) => ({ stdout: result.stdout.replace('lo:', 'lo: 0\n eth0:') })),
    'has no network of its own accord',
  ],
  'lets programs be changed': [answered(() => ({ exitCode: 0 })), 'keeps the programs of the system read only'],
  'ignores an abort': [
    (sandbox) => ({ ...sandbox, run: (command) => sandbox.run(command) }),
    'does not start when the signal has aborted before',
  ],
  'reads output without end': [
    answered((result) => ({ truncated: false, stdout: result.stdout.repeat(2) })),
    'ends a flood of output and says so',
  ],
  'mangles bytes': [
    answered((result) => ({ stdout: result.stdout.replaceAll('\0', '') })),
    'bears output that is no text',
  ],
  'has no limit of file size': [unlimited('maxFileBytes'), 'limits the size of a file'],
  'has no limit of memory': [
    unlimited('maxMemoryBytes'),
    'limits the memory of one process',
    'limits the memory of all processes together',
  ],
  'lets a bomb run on': [answered((result) => ({ tookMs: result.tookMs + 20_000 })), 'stops a fork bomb'],
  'breaks on unread input': [answered(() => ({ exitCode: 1 })), 'survives a command that does not read its input'],
  'mixes up commands': [
    (sandbox) => {
      let last: Promise<SandboxResult> | undefined;
      return { ...sandbox, run: (command, options) => (last ??= sandbox.run(command, options)) };
    },
    'runs several commands at once',
  ],
  'leaves commands running when closed': [
    (sandbox) => ({
      ...sandbox,
      close: async () => undefined,
      run: (command, options) => sandbox.run({ ...command, limits: { ...command.limits, timeoutMs: 1500 } }, options),
    }),
    'ends running commands when it is closed, and may be closed twice',
  ],
};

describe.skipIf(!availability.sandbox)(`sandboxConformance ${availability.sandboxReason}`, () => {
  it('is kept by the sandbox of this machine', async () => {
    const report = await runConformance(sandboxConformance, setup);
    for (const result of report.results.filter((one) => one.status === 'unsupported'))
      console.log(`${result.name}: ${result.reason}`);
    expect(report.results.filter((result) => result.status === 'failed')).toEqual([]);
  }, 60_000);

  it.each(Object.entries(brokenForms))(
    'notices a sandbox that %s',
    async (_name, [wrap, ...caught]) => {
      const cases = sandboxConformance.cases.filter((one) => caught.includes(one.name));
      expect(cases.map((one) => one.name).sort()).toEqual([...caught].sort());
      const report = await runConformance({ ...sandboxConformance, cases }, () => setup(wrap), { timeoutMs: 12_000 });
      expect(report.results.filter((result) => result.status === 'passed').map((result) => result.name)).toEqual([]);
    },
    60_000,
  );

  it('has a broken form for every case', () => {
    const caught = new Set(Object.values(brokenForms).flatMap(([, ...names]) => names));
    expect(sandboxConformance.cases.map((one) => one.name).filter((name) => !caught.has(name))).toEqual([]);
  });
});
