import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { devNull, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Permission } from '@genie/core';
import { deviceArguments, systemArguments } from '../sandbox/bubblewrap-arguments.ts';
import { createDescriptorScan } from '../sandbox/inherited-descriptors.ts';
import { seccompFilter } from '../sandbox/seccomp-filter.ts';

/**
 * How hard the walls around a plugin are: namespaces of the kernel (it sees its own files, what it was granted, and no network),
 * or only Node's permission flags and modules that are not lent, which hold for its own process and not for programs it may start.
 */
export type PluginIsolation = 'namespace' | 'modules';

export interface PluginProcessOptions {
  readonly folder: string;
  readonly permissions: readonly Permission[];
  readonly workspace: string | undefined;
  readonly maxMemoryMb: number;
  /** Default `/usr/bin/bwrap` when it is there and works. */
  readonly namespaces: boolean;
}

export interface PluginProcess {
  readonly child: ChildProcess;
  readonly isolation: PluginIsolation;
}

const bubblewrap = '/usr/bin/bwrap';

/**
 * Starts Node with its permission model: the process reads its own folder, the modules beside it and what it was granted,
 * writes only with `fs:write`, starts programs only with `shell`, and has an empty environment. Where there is bubblewrap the
 * kernel enforces the same on whatever the process starts.
 */
export function startPluginProcess(options: PluginProcessOptions): PluginProcess {
  const host = hostProgram();
  const node = [process.execPath, ...nodeArguments(options, host), host];
  const useNamespace = options.namespaces && process.platform === 'linux' && existsSync(bubblewrap);
  const inherited = process.platform === 'linux' ? createDescriptorScan()() : [];
  const filter = useNamespace ? openFilter() : undefined;
  const cover = inherited.length > 0 ? openSync(devNull, 'r') : undefined;
  try {
    const stdio: (number | 'ignore' | 'pipe' | 'ipc')[] = ['ignore', 'ignore', 'pipe', 'ipc'];
    if (filter !== undefined) stdio[filterAt] = filter;
    for (const number of inherited) stdio[number] ??= cover ?? 'ignore';
    const command = useNamespace ? [bubblewrap, ...wallArguments(options, host, filter), '--', ...node] : node;
    const child = spawn(command[0] ?? process.execPath, command.slice(1), {
      cwd: options.folder,
      env: {},
      stdio: Array.from(stdio, (entry) => entry ?? 'ignore'),
      serialization: 'json',
      windowsHide: true,
    });
    return { child, isolation: useNamespace ? 'namespace' : 'modules' };
  } finally {
    for (const descriptor of [filter, cover]) if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** After stdin, stdout, stderr and the channel. */
const filterAt = 4;

/** The system-call filter as an open file that has no name any more. */
function openFilter(): number | undefined {
  const filter = seccompFilter(process.arch);
  if (!filter) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'genie-plugin-'));
  try {
    writeFileSync(join(folder, 'filter'), filter, { mode: 0o600 });
    return openSync(join(folder, 'filter'), 'r');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the process sees of the machine: programs, Node, its own files, and the workspace as far as that was granted. */
function wallArguments(options: PluginProcessOptions, host: string, filter: number | undefined): string[] {
  const { reads, writes } = fileGrants(options.permissions);
  const { workspace, folder } = options;
  const shown = [...new Set([process.execPath, ...readableFolders(options, host)])].sort(
    (one, other) => one.length - other.length,
  );
  return [
    ...['--unshare-user', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...systemArguments(),
    ...libraryFiles.flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--proc', '/proc', ...deviceArguments, '--size', String(64 * 1024 * 1024), '--tmpfs', '/tmp'],
    ...shown.flatMap((path) => ['--ro-bind', path, path]),
    ...(workspace !== undefined && reads ? [writes ? '--bind' : '--ro-bind', workspace, workspace] : []),
    ...['--remount-ro', '/', '--chdir', folder],
    ...(filter === undefined ? [] : ['--seccomp', String(filterAt)]),
  ];
}

/** Where programs find their libraries. */
const libraryFiles = [
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/alternatives',
  '/etc/localtime',
];

function fileGrants(permissions: readonly Permission[]): { readonly reads: boolean; readonly writes: boolean } {
  const writes = permissions.some((one) => one === 'fs:write' || one === 'fs:*');
  return { reads: writes || permissions.includes('fs:read'), writes };
}

/** Its own folder, the modules beside it, and this program. */
function readableFolders({ folder }: PluginProcessOptions, host: string): readonly string[] {
  return [
    folder,
    ...moduleFolders(folder),
    ...moduleFolders(dirname(host)),
    dirname(host),
    join(dirname(host), 'lib/plugins'),
  ].filter((path) => existsSync(path));
}

function nodeArguments(options: PluginProcessOptions, host: string): string[] {
  const { reads, writes } = fileGrants(options.permissions);
  const { workspace } = options;
  return [
    '--permission',
    ...[...new Set(readableFolders(options, host))].map((path) => `--allow-fs-read=${path}`),
    ...(reads && workspace ? [`--allow-fs-read=${workspace}`] : []),
    ...(writes && workspace ? [`--allow-fs-write=${workspace}`] : []),
    ...(options.permissions.includes('shell') ? ['--allow-child-process'] : []),
    `--max-old-space-size=${options.maxMemoryMb}`,
    '--disable-proto=delete',
    '--no-warnings',
    ...conditions(process.execArgv),
  ];
}

/** Module conditions of the runtime, so that both find the same files. They come as one argument or as two. */
function conditions(flags: readonly string[]): string[] {
  return flags.flatMap((flag, index) => {
    if (flag === '--conditions' || flag === '-C') return [`--conditions=${flags[index + 1] ?? ''}`];
    return flag.startsWith('--conditions=') ? [flag] : [];
  });
}

/** Folders of modules a plugin may import from: those on the way up to the root. */
function moduleFolders(folder: string): string[] {
  const found: string[] = [];
  for (let at = folder; ; at = dirname(at)) {
    const modules = join(at, 'node_modules');
    if (existsSync(modules)) found.push(realpathSync(modules));
    if (at === dirname(at)) return found;
  }
}

function hostProgram(): string {
  const path = createRequire(import.meta.url).resolve('@genie/tools/plugin-host');
  return path.startsWith('file:') ? fileURLToPath(path) : realpathSync(path);
}
