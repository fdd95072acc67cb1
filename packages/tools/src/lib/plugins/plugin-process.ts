import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Permission } from '@genie/core';

/** How hard the walls around a plugin's network are: a namespace without one, or only modules that are not lent. */
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
 * writes only with `fs:write`, starts programs only with `shell`, and has an empty environment.
 */
export function startPluginProcess(options: PluginProcessOptions): PluginProcess {
  const host = hostProgram();
  const node = [process.execPath, ...nodeArguments(options, host), host];
  const useNamespace = options.namespaces && process.platform === 'linux' && existsSync(bubblewrap);
  const command = useNamespace ? [bubblewrap, ...namespaceArguments, '--', ...node] : node;
  const child = spawn(command[0] ?? process.execPath, command.slice(1), {
    cwd: options.folder,
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'json',
    windowsHide: true,
  });
  return { child, isolation: useNamespace ? 'namespace' : 'modules' };
}

/** Everything stays where it is but the network and the sight of other processes; the file walls are Node's. */
const namespaceArguments = [
  '--unshare-user-try',
  '--unshare-net',
  '--unshare-pid',
  '--unshare-ipc',
  '--dev-bind',
  '/',
  '/',
  '--proc',
  '/proc',
  '--die-with-parent',
  '--new-session',
];

function nodeArguments(options: PluginProcessOptions, host: string): string[] {
  const readable = [
    options.folder,
    ...moduleFolders(options.folder),
    ...moduleFolders(dirname(host)),
    dirname(host),
    join(dirname(host), 'lib/plugins'),
  ];
  const reads = options.permissions.some((one) => one === 'fs:read' || one === 'fs:write' || one === 'fs:*');
  const writes = options.permissions.some((one) => one === 'fs:write' || one === 'fs:*');
  const { workspace } = options;
  return [
    '--permission',
    ...[...new Set(readable)].map((path) => `--allow-fs-read=${path}`),
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
