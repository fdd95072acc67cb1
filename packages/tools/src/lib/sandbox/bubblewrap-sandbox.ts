import { type ChildProcess, execFile } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import type { SandboxCapabilities, SandboxCommand, SandboxPort, SandboxResult } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { splitConfinedPath } from '../confine/confined-path.ts';
import { type FolderSource, layoutArguments, type SandboxLayout } from './bubblewrap-arguments.ts';
import { answerGate, collectOutput, type ExtraDescriptor, planDescriptors, startContained } from './contain-process.ts';
import { createDescriptorScan, type DescriptorScan } from './inherited-descriptors.ts';
import { type Limiter, limitCommand } from './limit-command.ts';
import { findMemoryGroups, type MemoryGroup, type MemoryGroups } from './memory-group.ts';
import { watchMemory } from './memory-watch.ts';
import { sandboxCapabilities } from './sandbox-capabilities.ts';
import { prepareEntry, type SandboxEntry } from './sandbox-entry.ts';
import type { SandboxOptions } from './sandbox-options.ts';
import { type SandboxSettings, writeSettings } from './sandbox-settings.ts';
import { sandboxUser } from './sandbox-user.ts';
import { seccompFilter } from './seccomp-filter.ts';

/** Where the workspace appears inside. */
export const workspaceInside = '/workspace';

/** Everything that does not change between two commands. */
interface Prepared {
  readonly program: string;
  readonly takesDescriptors: boolean;
  readonly settings: SandboxSettings;
  readonly entry: SandboxEntry;
  /** Where the host has it. */
  readonly workspace: string;
  readonly limiter: Limiter;
  readonly scan: DescriptorScan;
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
  const running = new Map<AbortController, Promise<unknown>>();
  let closed = false;
  const run: SandboxPort['run'] = async (command, { signal } = {}) => {
    if (closed) throw unavailable('it was closed', 'make a new one');
    const stop = new AbortController();
    const ended = runCommand(prepared, command, signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
    running.set(stop, ended);
    try {
      return await ended;
    } finally {
      running.delete(stop);
    }
  };
  try {
    await tryOnce(run);
  } catch (error) {
    await release(prepared);
    throw error;
  }
  return {
    capabilities: capabilitiesOf(prepared),
    run,
    async close() {
      closed = true;
      const ended = [...running.values()];
      for (const stop of running.keys()) stop.abort();
      await Promise.allSettled(ended);
      await release(prepared);
    },
  };
}

async function release({ memoryGroups, settings }: Prepared): Promise<void> {
  await memoryGroups?.close().catch(() => undefined);
  settings.remove();
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
  const settings = writeSettings(seccompFilter(process.arch));
  const takesDescriptors = help.stdout.includes('--ro-bind-fd');
  try {
    const user = sandboxUser(workspace, currentUid, options.runAs);
    const { enter } = options.network ?? {};
    return {
      program,
      takesDescriptors,
      workspace,
      settings,
      entry: prepareEntry({ enter, user, workspace, stage: settings.stage }),
      scan: createDescriptorScan(),
      limiter: basename(realpathSync('/bin/sh')) === 'dash' ? 'dash' : 'prlimit',
      memoryGroups: options.controlGroups === false ? undefined : findMemoryGroups(),
      options,
    };
  } catch (error) {
    settings.remove();
    throw error;
  }
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

async function runCommand(prepared: Prepared, command: SandboxCommand, signal: AbortSignal): Promise<SandboxResult> {
  const startedAt = performance.now();
  const { maxMemoryBytes } = command.limits;
  const group = maxMemoryBytes === undefined ? undefined : prepared.memoryGroups?.take(maxMemoryBytes);
  let stopWatch: (() => void) | undefined;
  try {
    const child = start(prepared, command, group);
    const collected = await collectOutput(child, command.limits, signal, (kill) => {
      if (child.pid !== undefined && maxMemoryBytes !== undefined && !group)
        stopWatch = watchMemory(child.pid, maxMemoryBytes, () => kill('memory'));
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
    group?.release();
  }
}

/** Opened for one command and closed once the child has them. A workspace that is shown elsewhere has its path there. */
function openFolders({ entry, settings, takesDescriptors, workspace }: Prepared): readonly number[] {
  if (!takesDescriptors || entry.workspace !== workspace) return [];
  return [workspace, settings.folder].map((path) => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
}

function start(prepared: Prepared, command: SandboxCommand, group: MemoryGroup | undefined): ChildProcess {
  const { options, settings, entry } = prepared;
  const opened: number[] = [];
  const open = (descriptor: number): number => {
    opened.push(descriptor);
    return descriptor;
  };
  try {
    const entrance = group && open(group.openEntrance());
    const filter = settings.filter === undefined ? undefined : open(openSync(settings.filter, 'r'));
    const folders = openFolders(prepared).map(open);
    const given = [entrance, filter, ...folders].filter((descriptor) => descriptor !== undefined);
    // The lifeline and the entrance come first: the shell inside knows single digits only.
    const extra: ExtraDescriptor[] = ['pipe', ...given, 'pipe'];
    const plan = planDescriptors(extra.length, prepared.scan);
    const at = (descriptor: number | undefined) =>
      descriptor === undefined ? undefined : plan.numbers[extra.indexOf(descriptor)];
    const [lifeline = 3] = plan.numbers;
    const argumentsAt = plan.numbers.at(-1);
    const layout: SandboxLayout = {
      seccomp: at(filter),
      workspace: source(at(folders[0]), entry.workspace),
      settings: source(at(folders[1]), settings.folder),
      mountedAt: workspaceInside,
      readOnly: options.readOnly ?? [],
      temporaryBytes: options.temporaryBytes ?? 64 * 1024 * 1024,
      keepNetwork: options.network !== undefined,
    };
    const list = [...layoutArguments(layout), ...placeArguments(command, options.network?.environment)];
    const gate = { lifeline, group: at(entrance) };
    const inside = limitCommand(command.command, command.limits, { limiter: prepared.limiter, gate });
    const [program = prepared.program, ...before] = [...entry.before, prepared.program];
    const { child, pipes } = startContained({
      program,
      arguments: [...before, '--args', String(argumentsAt), '--', ...inside],
      user: entry.user,
      stdin: command.stdin,
      plan,
      extra,
    });
    child.stdin?.on('error', () => undefined).end(command.stdin);
    send(pipes.at(-1), list.map((argument) => `${argument}\0`).join(''));
    answerGate(pipes[0]);
    return child;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

function source(descriptor: number | undefined, path: string): FolderSource {
  return descriptor === undefined ? { path } : { descriptor };
}

/** The other end may be gone before it was read to the end; the exit of the child says so. */
function send(pipe: Readable | Writable | null | undefined, text: string): void {
  (pipe as Writable | null)?.on('error', () => undefined).end(text);
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
