import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, constants, existsSync, openSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import type { SandboxCapabilities, SandboxCommand, SandboxPort, SandboxResult } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { splitConfinedPath } from '../confine/confined-path.ts';
import { layoutArguments, type SandboxLayout } from './bubblewrap-arguments.ts';
import { collectOutput, type ExtraDescriptor, planDescriptors, startContained } from './contain-process.ts';
import { type Limiter, limitCommand } from './limit-command.ts';
import { findMemoryGroups, type MemoryGroups } from './memory-group.ts';
import { watchMemory } from './memory-watch.ts';
import { sandboxCapabilities } from './sandbox-capabilities.ts';
import type { SandboxOptions } from './sandbox-options.ts';
import { type SandboxSettings, writeSettings } from './sandbox-settings.ts';
import { type SandboxUser, sandboxUser } from './sandbox-user.ts';
import { seccompFilter } from './seccomp-filter.ts';

/** Where the workspace appears inside. */
export const workspaceInside = '/workspace';

/** Everything that does not change between two commands. */
interface Prepared {
  readonly program: string;
  readonly takesDescriptors: boolean;
  readonly workspace: string;
  readonly settings: SandboxSettings;
  readonly user: SandboxUser | undefined;
  readonly limiter: Limiter;
  readonly memoryGroups: MemoryGroups | undefined;
  readonly options: SandboxOptions;
}

/**
 * The sandbox of Linux: bubblewrap with own user, process, network, ipc, host-name and cgroup namespaces, the host's
 * programs read only, one writable folder, a system-call filter and limits. One command is one sandbox; when it ends,
 * everything it started is gone. Rejects with `GENIE_SANDBOX_UNAVAILABLE` (no bwrap, no namespaces, root without a
 * user to drop to) after trying it once.
 */
export async function createBubblewrapSandbox(options: SandboxOptions): Promise<SandboxPort> {
  const prepared = await prepare(options);
  let commands = 0;
  const running = new Set<AbortController>();
  const leaving = new Set<Promise<void>>();
  const leave = (work: Promise<void>) => {
    const done: Promise<void> = work.catch(() => undefined).then(() => void leaving.delete(done));
    leaving.add(done);
  };
  let closed = false;
  const run: SandboxPort['run'] = async (command, { signal } = {}) => {
    if (closed) throw unavailable('it was closed', 'make a new one');
    const stop = new AbortController();
    running.add(stop);
    commands += 1;
    try {
      const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
      return await runCommand(prepared, command, {
        signal: both,
        name: `genie-${process.pid}-${randomUUID().slice(0, 8)}-${commands}`,
        leave,
      });
    } finally {
      running.delete(stop);
    }
  };
  try {
    await tryOnce(run);
  } catch (error) {
    prepared.settings.remove();
    throw error;
  }
  return {
    capabilities: capabilitiesOf(prepared),
    run,
    async close() {
      closed = true;
      for (const stop of running) stop.abort();
      await Promise.all(leaving);
      prepared.settings.remove();
    },
  };
}

async function prepare(options: SandboxOptions): Promise<Prepared> {
  const program = options.program ?? ['/usr/bin/bwrap', '/usr/local/bin/bwrap'].find((path) => existsSync(path));
  if (process.platform !== 'linux' || program === undefined) {
    throw unavailable('bubblewrap is not installed', 'install it (e.g. "apt-get install bubblewrap")');
  }
  const help = await promisify(execFile)(program, ['--help'], { env: {} }).catch((error: unknown) => {
    throw unavailable(`${program} does not start: ${(error as Error).message}`, 'repair its installation');
  });
  const workspace = realpathSync(options.workspace);
  const currentUid = process.getuid?.() ?? 0;
  return {
    program,
    takesDescriptors: help.stdout.includes('--ro-bind-fd'),
    workspace,
    user: sandboxUser(workspace, currentUid, options.runAs),
    settings: writeSettings(seccompFilter(process.arch)),
    limiter: basename(realpathSync('/bin/sh')) === 'dash' ? 'dash' : 'prlimit',
    memoryGroups: options.controlGroups === false ? undefined : findMemoryGroups(),
    options,
  };
}

async function tryOnce(run: SandboxPort['run']): Promise<void> {
  const limits = { timeoutMs: 10_000, maxOutputBytes: 10_000 };
  const result = await run({ command: ['/bin/sh', '-c', 'true'], workingDirectory: '.', environment: {}, limits });
  if (result.exitCode === 0) return;
  throw unavailable(
    result.stderr.trim() || `exit code ${result.exitCode}`,
    'allow unprivileged user namespaces, or use a container runtime as the sandbox',
  );
}

function unavailable(reason: string, fix: string): GenieError {
  return new GenieError('GENIE_SANDBOX_UNAVAILABLE', `No sandbox for commands (${reason}), so none is run: ${fix}.`);
}

interface Call {
  readonly signal: AbortSignal;
  /** Names the control group; unique on this machine. */
  readonly name: string;
  /** Takes over work that need not be waited for but has to be finished before the sandbox is closed. */
  leave(work: Promise<void>): void;
}

async function runCommand(prepared: Prepared, command: SandboxCommand, call: Call): Promise<SandboxResult> {
  const startedAt = performance.now();
  const { maxMemoryBytes } = command.limits;
  const group = maxMemoryBytes === undefined ? undefined : prepared.memoryGroups?.(call.name, maxMemoryBytes);
  const started = start(prepared, command, group !== undefined);
  let stopWatch: (() => void) | undefined;
  try {
    const collected = await collectOutput(started.child, command.limits, call.signal, (kill) => {
      const { pid } = started.child;
      if (pid === undefined || maxMemoryBytes === undefined) return;
      if (group) joinGroup(started, group);
      else stopWatch = watchMemory(pid, maxMemoryBytes, () => kill('memory'));
    });
    const killedBy = collected.killedBy ?? (group?.wasExhausted() ? 'memory' : collected.signal ? 'signal' : undefined);
    return {
      exitCode: collected.exitCode,
      ...(killedBy === undefined ? {} : { killedBy }),
      stdout: collected.stdout,
      stderr: collected.stderr,
      truncated: collected.truncated,
      tookMs: performance.now() - startedAt,
    };
  } finally {
    stopWatch?.();
    if (group) call.leave(group.remove());
  }
}

type Started = ReturnType<typeof start>;

function start(prepared: Prepared, command: SandboxCommand, waitForGroup: boolean) {
  const { options, settings } = prepared;
  const network = options.network;
  const opened = [prepared.workspace, settings.folder].map((path) =>
    openSync(path, constants.O_RDONLY | constants.O_DIRECTORY),
  );
  const filter = settings.filter === undefined ? undefined : openSync(settings.filter, 'r');
  try {
    const extra: ExtraDescriptor[] = [
      'pipe',
      ...(filter === undefined ? [] : [filter]),
      ...(prepared.takesDescriptors ? opened : []),
      ...(waitForGroup ? (['pipe', 'pipe'] as const) : []),
    ];
    const plan = planDescriptors(extra.length);
    const numbers = [...plan.numbers];
    const next = () => numbers.shift() ?? -1;
    const argumentsAt = next();
    const layout: SandboxLayout = {
      seccomp: filter === undefined ? undefined : next(),
      workspace: prepared.takesDescriptors ? { descriptor: next() } : { path: prepared.workspace },
      settings: prepared.takesDescriptors ? { descriptor: next() } : { path: settings.folder },
      mountedAt: workspaceInside,
      readOnly: options.readOnly ?? [],
      temporaryBytes: options.temporaryBytes ?? 64 * 1024 * 1024,
      keepNetwork: network !== undefined,
    };
    const blocks = waitForGroup ? ['--info-fd', String(next()), '--block-fd', String(next())] : [];
    const inside = limitCommand(command.command, command.limits, prepared.limiter);
    const [program = prepared.program, ...before] = [...(network?.enter ?? []), prepared.program];
    const { child, pipes } = startContained({
      program,
      arguments: [...before, '--args', String(argumentsAt), '--', ...inside],
      user: prepared.user,
      stdin: command.stdin,
      plan,
      extra,
    });
    child.stdin?.on('error', () => undefined).end(command.stdin);
    const layoutPipe = pipes[0] as Writable | null;
    const list = [...layoutArguments(layout), ...blocks, ...placeArguments(command, network?.environment)];
    layoutPipe?.on('error', () => undefined).end(list.map((entry) => `${entry}\0`).join(''));
    return { child, pipes };
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
    if (filter !== undefined) closeSync(filter);
  }
}

/** Puts the process bwrap made into the group, then lets it go on: nothing of the command runs before. bwrap itself only waits. */
function joinGroup({ pipes }: Started, group: { add(pid: number): void }): void {
  const info = pipes.at(-2) as Readable | null;
  const block = pipes.at(-1) as Writable | null;
  let text = '';
  block?.on('error', () => undefined);
  info
    ?.on('error', () => undefined)
    .on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const child = /"child-pid"\s*:\s*(\d+)/.exec(text)?.[1];
      if (child === undefined || block?.writableEnded) return;
      try {
        group.add(Number(child));
      } catch {
        // It has ended already.
      }
      block?.end('x');
    });
}

function placeArguments(command: SandboxCommand, networkEnvironment: Readonly<Record<string, string>> = {}): string[] {
  const folder = splitConfinedPath(command.workingDirectory).join('/');
  const environment = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: '/tmp/home',
    TMPDIR: '/tmp',
    LANG: 'C.UTF-8',
    ...networkEnvironment,
    ...command.environment,
  };
  return [
    ...['--chdir', folder === '' ? workspaceInside : `${workspaceInside}/${folder}`],
    ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', checkedName(name, value), value]),
  ];
}

function checkedName(name: string, value: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !value.includes('\0')) return name;
  throw new GenieError(
    'GENIE_SANDBOX_COMMAND',
    `The environment variable ${JSON.stringify(name)} cannot be set: use letters, digits and "_" in its name and no NUL in its value.`,
  );
}

function capabilitiesOf(prepared: Prepared): SandboxCapabilities {
  return sandboxCapabilities({
    network: prepared.options.network?.grade,
    memory: prepared.memoryGroups ? 'group' : 'watched',
    filtered: prepared.settings.filter !== undefined,
  });
}
