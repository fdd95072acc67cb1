import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxCommand, SandboxLimits, SandboxPort } from '@genie/core';
import { type ConformanceSuite, expectCode, expectEqual, expectThat } from '@genie/core/conformance';

export interface SandboxSetup {
  readonly sandbox: SandboxPort;
  /** The workspace on the host, empty at the start of a case. */
  readonly workspace: string;
  /** A file on the host outside of the workspace that holds the word `secret`, readable for everybody. */
  readonly secretFile: string;
  /** Names of variables in the environment of the runtime; none of them may be seen inside. */
  readonly hostVariables: readonly string[];
}

const defaults: SandboxLimits = { timeoutMs: 20_000, maxOutputBytes: 1_000_000 };

function script(text: string, more: Partial<SandboxCommand> = {}): SandboxCommand {
  return { command: ['/bin/sh', '-c', text], workingDirectory: '.', environment: {}, limits: defaults, ...more };
}

const limited = (text: string, limits: Partial<SandboxLimits>) => script(text, { limits: { ...defaults, ...limits } });

/** Pids of processes whose command line holds a mark, as the host sees them. */
function processesMarked(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandLine(pid).includes(mark));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

let marks = 0;
/** A number of seconds nobody else sleeps. */
const uniqueSleep = () => `${90_000 + process.pid}.${++marks}`;

async function expectGone(mark: string): Promise<void> {
  for (let tries = 0; tries < 100 && processesMarked(mark).length > 0; tries += 1) await sleep(10);
  expectEqual(processesMarked(mark), [], `processes left over (sleep ${mark})`);
}

/**
 * What every sandbox has to keep. Capabilities a case may need: `isolatesFiles`, `isolatesNetwork`, `isolatesProcesses`,
 * `limitsMemory`, as in `SandboxCapabilities`.
 */
export const sandboxConformance: ConformanceSuite<SandboxSetup> = {
  port: 'SandboxPort',
  cases: [
    {
      name: 'gives exit code and both outputs',
      async run({ sandbox }) {
        const result = await sandbox.run(script('echo out; echo err >&2; exit 7'));
        expectEqual(
          [result.exitCode, result.stdout, result.stderr, result.truncated],
          [7, 'out\n', 'err\n', false],
          'result',
        );
        expectThat(
          result.killedBy === undefined && result.tookMs > 0,
          'a command that ended by itself was not killed and took time',
        );
      },
    },
    {
      name: 'runs a program without a shell in between',
      async run({ sandbox }) {
        const result = await sandbox.run({ ...script(''), command: ['/bin/echo', '$HOME', '; exit 3', '*'] });
        expectEqual([result.exitCode, result.stdout], [0, '$HOME ; exit 3 *\n'], 'arguments');
      },
    },
    {
      name: 'passes standard input',
      async run({ sandbox }) {
        expectEqual((await sandbox.run(script('cat', { stdin: 'hällo\n' }))).stdout, 'hällo\n', 'input');
      },
    },
    {
      name: 'survives a command that does not read its input',
      async run({ sandbox }) {
        expectEqual((await sandbox.run(script('exit 0', { stdin: 'x'.repeat(5_000_000) }))).exitCode, 0, 'exit code');
      },
    },
    {
      name: 'passes the given environment and nothing of its own',
      async run({ sandbox, hostVariables }) {
        const { stdout } = await sandbox.run(script('env', { environment: { GREETING: 'a b\n"c"' } }));
        expectThat(stdout.includes('GREETING=a b\n"c"'), `the variable is missing: ${stdout}`);
        const own = hostVariables.filter((name) => !/^(PATH|HOME|TMPDIR|LANG|PWD|SHLVL|_|OLDPWD)$/.test(name));
        expectEqual(
          own.filter((name) => new RegExp(`^${name}=`, 'm').test(stdout)),
          [],
          'variables of the runtime inside',
        );
      },
    },
    {
      name: 'refuses a variable that cannot be one',
      async run({ sandbox }) {
        await expectCode(sandbox.run(script('true', { environment: { 'A=B': 'x' } })), 'GENIE_SANDBOX_COMMAND');
        await expectCode(sandbox.run(script('true', { environment: { A: 'x\0y' } })), 'GENIE_SANDBOX_COMMAND');
      },
    },
    {
      name: 'keeps what is written to the workspace, and starts in the folder asked for',
      async run({ sandbox, workspace }) {
        await sandbox.run(script('mkdir -p sub && echo one > sub/file'));
        expectEqual(readFileSync(join(workspace, 'sub/file'), 'utf8'), 'one\n', 'file on the host');
        expectEqual(
          (await sandbox.run(script('cat file', { workingDirectory: 'sub' }))).stdout,
          'one\n',
          'file from its folder',
        );
      },
    },
    {
      name: 'refuses a working directory outside of the workspace',
      async run({ sandbox }) {
        for (const workingDirectory of ['..', '/etc', 'a/../../b'])
          await expectCode(sandbox.run(script('pwd', { workingDirectory })), 'GENIE_PATH_OUTSIDE');
      },
    },
    {
      name: 'does not follow a link as working directory out of the workspace',
      requires: 'isolatesFiles',
      async run({ sandbox, secretFile }) {
        const folder = secretFile.slice(0, secretFile.lastIndexOf('/'));
        await sandbox.run(script(`ln -s ${folder} way-out`));
        const { stdout } = await sandbox.run(script('ls', { workingDirectory: 'way-out' }));
        expectThat(!stdout.includes(secretFile.slice(folder.length + 1)), 'the folder outside was listed');
      },
    },
    {
      name: 'shows nothing of the host outside of the workspace',
      requires: 'isolatesFiles',
      async run({ sandbox, secretFile }) {
        const { stdout } = await sandbox.run(script(`cat ${secretFile}; ln -s ${secretFile} link; cat link`));
        expectThat(!stdout.includes('secret'), 'a file of the host was read');
      },
    },
    {
      name: 'keeps the programs of the system read only',
      requires: 'isolatesFiles',
      async run({ sandbox }) {
        expectThat(
          (await sandbox.run(script('touch /usr/bin/genie-conformance'))).exitCode !== 0,
          'a file was made in /usr/bin',
        );
      },
    },
    {
      name: 'has no network of its own accord',
      requires: 'isolatesNetwork',
      async run({ sandbox }) {
        const { stdout } = await sandbox.run(script('cat /proc/net/dev'));
        const names = [...stdout.matchAll(/^\s*([^\s|]+):/gm)].map((match) => match[1]);
        expectEqual(names, ['lo'], 'network interfaces');
      },
    },
    {
      name: 'shows no process but its own',
      requires: 'isolatesProcesses',
      async run({ sandbox }) {
        const { stdout } = await sandbox.run(script('ls -d /proc/[0-9]* | wc -l'));
        expectThat(Number(stdout) < 10, `${stdout.trim()} processes are visible`);
      },
    },
    {
      name: 'ends a command at its time limit, and everything it started',
      async run({ sandbox }) {
        const mark = uniqueSleep();
        const result = await sandbox.run(
          limited(`trap "" TERM INT HUP; setsid sleep ${mark} & sleep ${mark}`, { timeoutMs: 300 }),
        );
        expectEqual(result.killedBy, 'timeout', 'killedBy');
        expectThat(result.tookMs < 5000, `it took ${result.tookMs} ms`);
        await expectGone(mark);
      },
    },
    {
      name: 'ends at an abort, and everything it started',
      async run({ sandbox }) {
        const mark = uniqueSleep();
        const result = await sandbox.run(script(`setsid sleep ${mark} & sleep ${mark}`), {
          signal: AbortSignal.timeout(200),
        });
        expectEqual(result.killedBy, 'abort', 'killedBy');
        await expectGone(mark);
      },
    },
    {
      name: 'does not start when the signal has aborted before',
      async run({ sandbox, workspace }) {
        const result = await sandbox.run(script('sleep 0.2; touch started'), { signal: AbortSignal.abort() });
        expectEqual(result.killedBy, 'abort', 'killedBy');
        await sleep(400);
        expectThat(!existsSync(join(workspace, 'started')), 'the command ran');
      },
    },
    {
      name: 'leaves no process behind when the command ends, and does not wait for one',
      async run({ sandbox }) {
        const mark = uniqueSleep();
        const result = await sandbox.run(
          script(`sleep ${mark} & (setsid nohup sleep ${mark} >/dev/null 2>&1 &) ; exit 0`),
        );
        expectEqual(result.exitCode, 0, 'exit code');
        expectThat(result.tookMs < 5000, `it took ${result.tookMs} ms`);
        await expectGone(mark);
      },
    },
    {
      name: 'ends a flood of output and says so',
      async run({ sandbox }) {
        for (const flood of ['yes', 'yes >&2']) {
          const result = await sandbox.run(limited(flood, { maxOutputBytes: 10_000 }));
          expectEqual([result.killedBy, result.truncated], ['output', true], flood);
          expectThat(result.stdout.length + result.stderr.length <= 10_000, 'more than the limit was kept');
        }
      },
    },
    {
      name: 'bears output that is no text',
      async run({ sandbox }) {
        const { stdout } = await sandbox.run(script("printf 'a\\000\\377b'"));
        expectEqual(stdout, 'a\0\ufffdb', 'output');
      },
    },
    {
      name: 'stops a fork bomb',
      async run({ sandbox }) {
        const result = await sandbox.run(
          limited('bomb() { bomb | bomb & }; bomb; sleep 1; echo alive', { maxProcesses: 32, timeoutMs: 4000 }),
        );
        expectThat(result.tookMs < 10_000, 'the bomb outlived its limit');
        const { stdout } = await sandbox.run(script('echo well'));
        expectEqual(stdout, 'well\n', 'the next command');
      },
    },
    {
      name: 'limits the number of processes',
      async run({ sandbox }) {
        const many = 'i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i+1)); done; ls -d /proc/[0-9]* | wc -l';
        const { stdout } = await sandbox.run(limited(many, { maxProcesses: 16 }));
        expectThat(!(Number(stdout.trim()) > 20), `${stdout.trim()} processes ran`);
      },
    },
    {
      name: 'limits the size of a file',
      async run({ sandbox, workspace }) {
        await sandbox.run(limited('head -c 5000000 /dev/zero > big', { maxFileBytes: 1_000_000 }));
        expectThat(statSync(join(workspace, 'big')).size <= 1_000_000, 'the file grew past the limit');
      },
    },
    {
      name: 'limits the memory of one process',
      async run({ sandbox }) {
        const { stdout } = await sandbox.run(
          limited(`perl -e 'my $x = "x" x 300_000_000; print "got it"'`, { maxMemoryBytes: 100_000_000 }),
        );
        expectThat(!stdout.includes('got it'), 'a process took 300 MB of 100 MB');
      },
    },
    {
      name: 'limits the memory of all processes together',
      requires: 'limitsMemory',
      async run({ sandbox }) {
        const one = `perl -e 'my $x = "x" x 40_000_000; sleep 1; print "kept;"'`;
        const { stdout, killedBy } = await sandbox.run(
          limited(`${one} & ${one} & ${one} & ${one} & wait`, { maxMemoryBytes: 100_000_000 }),
        );
        expectThat(stdout.split('kept').length - 1 < 4, 'four times 40 MB fitted into 100 MB');
        expectEqual(killedBy, 'memory', 'killedBy');
      },
    },
    {
      name: 'runs several commands at once',
      async run({ sandbox }) {
        const results = await Promise.all([1, 2, 3, 4].map((number) => sandbox.run(script(`echo ${number}`))));
        expectEqual(
          results.map((result) => result.stdout.trim()),
          ['1', '2', '3', '4'],
          'outputs',
        );
      },
    },
    {
      name: 'says that a program does not exist',
      async run({ sandbox }) {
        const result = await sandbox.run({ ...script(''), command: ['/no/such/program'] });
        expectThat(result.exitCode !== 0 && result.stderr !== '', 'a missing program seemed to run');
      },
    },
    {
      name: 'ends running commands when it is closed, and may be closed twice',
      async run({ sandbox }) {
        const mark = uniqueSleep();
        const running = sandbox.run(script(`sleep ${mark}`));
        await sleep(200);
        await sandbox.close();
        expectEqual((await running).killedBy, 'abort', 'killedBy');
        await sandbox.close();
        await expectGone(mark);
      },
    },
  ],
};
