import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SandboxCapabilities, SandboxCommand, SandboxPort, SandboxResult } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { splitConfinedPath } from '../confine/confined-path.ts';
import { collectOutput } from './contain-process.ts';
import type { SandboxOptions } from './sandbox-options.ts';
import { seatbeltProfile } from './seatbelt-profile.ts';

const program = '/usr/bin/sandbox-exec';

const capabilities: SandboxCapabilities = {
  name: 'sandbox-exec',
  isolatesFiles: true,
  isolatesNetwork: true,
  isolatesProcesses: false,
  limitsMemory: false,
  doesNotStop: [
    'a process that leaves its group (setsid) and outlives the command, still confined',
    'seeing that other processes exist, and the names of files',
    'using all memory, or filling the disk through the workspace',
    'a fault in the kernel itself: the command shares it with the host',
  ],
};

/**
 * The sandbox of macOS: `sandbox-exec` with a profile that allows the workspace and the system's programs. Before it is given
 * out it has to show that it stops a read of the user's files and a connection; otherwise it is refused. A lent network is
 * refused as well: there are no network namespaces. Rejects with `GENIE_SANDBOX_UNAVAILABLE`.
 */
export async function createSeatbeltSandbox(options: SandboxOptions): Promise<SandboxPort> {
  if (!existsSync(program)) throw unavailable('sandbox-exec is missing');
  if (options.network !== undefined) throw unavailable('macOS has no network that only leads through the filter');
  const temporaryFolder = realpathSync(mkdtempSync(join(tmpdir(), 'genie-sandbox-')));
  const workspace = realpathSync(options.workspace);
  const readOnly = (options.readOnly ?? []).map((path) => realpathSync(path));
  const profile = seatbeltProfile({ workspace, temporaryFolder, readOnly });
  const running = new Set<ChildProcess>();
  let closed = false;
  const port: SandboxPort = {
    capabilities,
    run(command, { signal } = {}) {
      if (closed) return Promise.reject(unavailable('it was closed'));
      return run(command, { workspace, temporaryFolder, profile, signal, running });
    },
    async close() {
      closed = true;
      for (const child of running) endGroup(child);
      rmSync(temporaryFolder, { recursive: true, force: true });
    },
  };
  try {
    await prove(port);
    return port;
  } catch (error) {
    await port.close();
    throw error;
  }
}

/** Two things it has to stop, and one it has to allow. */
async function prove(port: SandboxPort): Promise<void> {
  const secret = join(homedir(), `.genie-sandbox-${process.pid}`);
  writeFileSync(secret, 'secret', { mode: 0o600 });
  try {
    const script = `cat '${secret.replaceAll("'", "'\\''")}' 2>/dev/null; /usr/bin/nc -z -G 1 127.0.0.1 1 2>&1; true > .genie-probe && rm .genie-probe && echo well`;
    const limits = { timeoutMs: 10_000, maxOutputBytes: 10_000 };
    const { stdout } = await port.run({
      command: ['/bin/sh', '-c', script],
      workingDirectory: '.',
      environment: {},
      limits,
    });
    if (stdout.includes('secret') || !stdout.includes('well')) throw unavailable('its own trial failed');
  } finally {
    rmSync(secret, { force: true });
  }
}

interface Place {
  readonly workspace: string;
  readonly temporaryFolder: string;
  readonly profile: string;
  readonly signal: AbortSignal | undefined;
  readonly running: Set<ChildProcess>;
}

async function run(command: SandboxCommand, place: Place): Promise<SandboxResult> {
  const startedAt = performance.now();
  const { limits } = command;
  const script = [
    'ulimit -c 0; ulimit -n 1024',
    `ulimit -u ${limits.maxProcesses ?? 128}; ulimit -t ${Math.max(1, Math.ceil(limits.timeoutMs / 1000))}`,
    `ulimit -f ${Math.max(1, Math.floor((limits.maxFileBytes ?? 256 * 1024 * 1024) / 512))}`,
    'exec "$@"',
  ].join('\n');
  const child = spawn(program, ['-p', place.profile, '/bin/sh', '-c', script, 'sh', ...command.command], {
    cwd: join(place.workspace, ...splitConfinedPath(command.workingDirectory)),
    env: {
      PATH: '/usr/bin:/bin',
      HOME: place.temporaryFolder,
      TMPDIR: place.temporaryFolder,
      LANG: 'C.UTF-8',
      ...command.environment,
    },
    stdio: [command.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    // A group of its own, to be ended as one.
    detached: true,
  });
  child.stdin?.on('error', () => undefined).end(command.stdin);
  place.running.add(child);
  try {
    const collected = await collectOutput(child, limits, place.signal, () => undefined, endGroup);
    const killedBy = collected.killedBy ?? (collected.signal ? 'signal' : undefined);
    const { exitCode, stdout, stderr, truncated } = collected;
    return {
      exitCode,
      ...(killedBy === undefined ? {} : { killedBy }),
      stdout,
      stderr,
      truncated,
      tookMs: performance.now() - startedAt,
    };
  } finally {
    endGroup(child);
    place.running.delete(child);
  }
}

function endGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone.
  }
}

function unavailable(reason: string): GenieError {
  return new GenieError(
    'GENIE_SANDBOX_UNAVAILABLE',
    `No sandbox for commands (${reason}), so none is run: use a container, or Linux.`,
  );
}
