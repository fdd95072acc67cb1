import { closeSync, existsSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Writable } from 'node:stream';
import type { ContainmentPort, SandboxCapabilities } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { layoutArguments } from '../../sandbox/bubblewrap-arguments.ts';
import { workspaceInside } from '../../sandbox/bubblewrap-sandbox.ts';
import { answerGate, type ExtraDescriptor, planDescriptors, startContained } from '../../sandbox/contain-process.ts';
import { createSandbox } from '../../sandbox/create-sandbox.ts';
import { killContained } from '../../sandbox/kill-contained.ts';
import { gateCommand } from '../../sandbox/limit-command.ts';
import { prepareEntry, type SandboxEntry } from '../../sandbox/sandbox-entry.ts';
import { type SandboxSettings, writeSettings } from '../../sandbox/sandbox-settings.ts';
import { type SandboxUser, sandboxUser } from '../../sandbox/sandbox-user.ts';
import { seccompFilter } from '../../sandbox/seccomp-filter.ts';
import type { OwnedProcess, ProcessCommand, SpawnProcess } from '../client/owned-process.ts';
import { type ReachableGrants, reachGrants } from './reach-grants.ts';

export interface McpSandboxOptions {
  /** The folder that belongs to the server alone; made when it is missing. It appears as `/workspace`, where programs start. */
  readonly workspace: string;
  /** Folders and files of the host that the server may read, at the same path: its own program, for a start. */
  readonly readOnly?: readonly string[];
  /** Folders of the host that it may also write to, at the same path. */
  readonly writable?: readonly string[];
  /** Its way out, as the egress package opens it (`openContainment`). Without one it has no network at all. */
  readonly network?: Pick<ContainmentPort, 'enter' | 'environment' | 'grade'>;
  /** Who it runs as when the runtime is root. Default the owner of the workspace, else 65532:65532. */
  readonly runAs?: SandboxUser;
  /** Size of `/tmp` and of shared memory, each. Default 64 MiB. */
  readonly temporaryBytes?: number;
  /** The bwrap program. Default `/usr/bin/bwrap`, then `/usr/local/bin/bwrap`. */
  readonly program?: string;
}

export interface McpSandbox {
  /** For `connectMcp({ spawn })`. Every program it starts has a sandbox of its own. */
  readonly spawn: SpawnProcess;
  readonly capabilities: SandboxCapabilities;
}

const programs = ['/usr/bin/bwrap', '/usr/local/bin/bwrap'] as const;

interface Prepared {
  readonly options: McpSandboxOptions;
  readonly program: string;
  readonly workspace: string;
  readonly user: SandboxUser | undefined;
}

/** The work of `openMcpSandbox`. */
export async function prepareMcpSandbox(options: McpSandboxOptions): Promise<McpSandbox> {
  mkdirSync(options.workspace, { recursive: true, mode: 0o700 });
  for (const path of [...(options.readOnly ?? []), ...(options.writable ?? [])]) checkGrant(path);
  // The sandbox of commands tries itself once and says what is missing on this machine.
  const { readOnly: _readOnly, writable: _writable, ...forCommands } = options;
  const trial = await createSandbox(forCommands);
  await trial.close();
  const { program, runAs, workspace } = options;
  const prepared: Prepared = {
    options,
    program: program ?? programs.find((path) => existsSync(path)) ?? programs[0],
    workspace: realpathSync(workspace),
    user: sandboxUser(realpathSync(workspace), process.getuid?.() ?? 0, runAs),
  };
  return {
    spawn: (command) => start(prepared, command),
    capabilities: trial.capabilities,
  };
}

function start(prepared: Prepared, command: ProcessCommand): OwnedProcess {
  const { options, user, workspace } = prepared;
  // Made for each start: a temporary folder of a process that lives for months is cleaned away one day.
  const settings = writeSettings(seccompFilter(process.arch));
  const filter = settings.filter === undefined ? undefined : openSync(settings.filter, 'r');
  try {
    const entry = prepareEntry({ enter: options.network?.enter, user, workspace, stage: settings.stage });
    const paths = [...(options.readOnly ?? []), ...(options.writable ?? [])];
    const grants = reachGrants({ user, paths, stage: dirname(settings.stage) });
    // The lifeline comes first: the shell inside knows single digits only.
    const extra: ExtraDescriptor[] = ['pipe', 'pipe', ...(filter === undefined ? [] : [filter])];
    const plan = planDescriptors(extra.length);
    const [lifeline = 3, argumentsAt, filterAt] = plan.numbers;
    const inside = gateCommand([command.command, ...command.args], { lifeline });
    const [program = prepared.program, ...before] = [
      ...grants.before,
      ...entry.before,
      ...(entry.user ? grants.drop : []),
      prepared.program,
    ];
    const { child, pipes } = startContained({
      program,
      arguments: [...before, '--args', String(argumentsAt), '--', ...inside],
      // The grants are shown by root, who drops after that.
      user: grants.before.length > 0 ? undefined : entry.user,
      // Only that there is an input; the connection writes to it.
      stdin: '',
      plan,
      extra,
    });
    for (const event of ['exit', 'error'] as const) child.once(event, () => settings.remove());
    const layout = [...mounts({ options, settings, entry, grants, seccomp: filterAt }), ...place(prepared, command)];
    // Through a pipe: arguments can be read by every user of this machine, and there are secrets in the environment.
    const pipe = pipes[1] as Writable | null;
    pipe?.on('error', () => undefined).end(layout.map((word) => `${word}\0`).join(''));
    answerGate(pipes[0]);
    const kill = (): void => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killContained(child.pid);
    };
    // bwrap passes no signal on: a server that did not end with its input is ended with everything in its namespace.
    return { child, kill };
  } catch (error) {
    settings.remove();
    throw error;
  } finally {
    if (filter !== undefined) closeSync(filter);
  }
}

interface Mounts {
  readonly options: McpSandboxOptions;
  readonly settings: SandboxSettings;
  readonly entry: SandboxEntry;
  readonly grants: ReachableGrants;
  readonly seccomp: number | undefined;
}

function mounts({ options, settings, entry, grants, seccomp }: Mounts): readonly string[] {
  const layout = layoutArguments({
    seccomp,
    workspace: { path: entry.workspace },
    settings: { path: settings.folder },
    mountedAt: workspaceInside,
    readOnly: [],
    temporaryBytes: options.temporaryBytes ?? 64 * 1024 * 1024,
    keepNetwork: options.network !== undefined,
  });
  const shown = [
    ...(options.readOnly ?? []).flatMap((path) => ['--ro-bind', grants.sourceOf(path), path]),
    ...(options.writable ?? []).flatMap((path) => ['--bind', grants.sourceOf(path), path]),
  ];
  // Mount points are made after `/tmp`, which may hold some, and before the root becomes read only.
  const end = layout.indexOf('--remount-ro');
  return [...layout.slice(0, end), ...shown, ...layout.slice(end)];
}

function place({ options }: Prepared, { env, cwd, command }: ProcessCommand): readonly string[] {
  const environment = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    // What a server remembers by itself stays in its own folder.
    HOME: workspaceInside,
    TMPDIR: '/tmp',
    LANG: 'C.UTF-8',
    ...options.network?.environment,
    ...env,
  };
  for (const [name, value] of Object.entries(environment))
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes('\0'))
      throw new GenieError(
        'GENIE_SANDBOX_COMMAND',
        `The environment variable ${JSON.stringify(name)} of ${basename(command)} cannot be set.`,
      );
  return [
    ...['--chdir', cwd ?? workspaceInside],
    ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
}

function checkGrant(path: string): void {
  if (path.startsWith('/') && path !== '/') {
    try {
      realpathSync(path);
      return;
    } catch {
      // Named below.
    }
  }
  throw new GenieError(
    'GENIE_OPTIONS_INVALID',
    `${JSON.stringify(path)} cannot be granted to an MCP server: use the absolute path of a file or folder that exists.`,
  );
}
