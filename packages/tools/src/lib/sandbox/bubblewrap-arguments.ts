import { lstatSync, readlinkSync } from 'node:fs';

/** What stands for a folder of the host: an inherited descriptor where bwrap takes one (no race), else its path. */
export type FolderSource = { readonly descriptor: number } | { readonly path: string };

export interface SandboxLayout {
  readonly workspace: FolderSource;
  /** The prepared `/etc`. */
  readonly settings: FolderSource;
  /** Where the workspace appears inside. */
  readonly mountedAt: string;
  /** More folders that may be read inside, at the same path. */
  readonly readOnly: readonly string[];
  /** Size of `/tmp`, which shared memory is a part of. */
  readonly temporaryBytes: number;
  /** Keep the network namespace bwrap was started in (the one of the egress holder) instead of an empty one. */
  readonly keepNetwork: boolean;
  /** Descriptor of the system-call filter, where there is one. */
  readonly seccomp: number | undefined;
}

/** The few devices programs need. No terminals: half the mounts of `--dev`, and none of the kernel's terminal code. */
export const deviceArguments: readonly string[] = [
  ...['null', 'zero', 'full', 'urandom'].flatMap((name) => ['--dev-bind', `/dev/${name}`, `/dev/${name}`]),
  // Each mount takes a tenth of a millisecond: what can be a link is one.
  ...['--symlink', 'urandom', '/dev/random', '--symlink', '/tmp', '/dev/shm'],
  ...['--symlink', '/proc/self/fd', '/dev/fd', '--symlink', '/proc/self/fd/0', '/dev/stdin'],
  ...['--symlink', '/proc/self/fd/1', '/dev/stdout', '--symlink', '/proc/self/fd/2', '/dev/stderr'],
];

const systemFolders = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/**
 * The part of bwrap's arguments that is the same for every command. Nothing of the host is visible but its programs,
 * read only, and the workspace. Nothing is mounted beneath the workspace: a mount point there could be swapped for a link
 * (CVE-2026-87766 in versions before 0.12).
 */
export function layoutArguments(layout: SandboxLayout): string[] {
  return [
    ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...(layout.keepNetwork ? [] : ['--unshare-net']),
    ...['--uid', '1000', '--gid', '1000', '--hostname', 'genie', '--die-with-parent', '--new-session'],
    ...systemArguments(),
    ...bind('--ro-bind', layout.settings, '/etc'),
    ...layout.readOnly.flatMap((path) => ['--ro-bind', path, path]),
    ...['--proc', '/proc', ...deviceArguments, '--size', String(layout.temporaryBytes), '--tmpfs', '/tmp'],
    ...['--dir', '/tmp/home', '--perms', '0755', '--dir', '/var', '--symlink', '../tmp', '/var/tmp'],
    ...bind('--bind', layout.workspace, layout.mountedAt),
    ...['--remount-ro', '/'],
    ...(layout.seccomp === undefined ? [] : ['--seccomp', String(layout.seccomp)]),
  ];
}

/** The host's programs and libraries, read only. */
export function systemArguments(): string[] {
  return ['--ro-bind', '/usr', '/usr', ...systemFolders.flatMap(mirror)];
}

function bind(option: '--bind' | '--ro-bind', source: FolderSource, target: string): string[] {
  return 'descriptor' in source ? [`${option}-fd`, String(source.descriptor), target] : [option, source.path, target];
}

/** `/bin` is a link into `/usr` on most systems and a folder on others. */
function mirror(path: string): string[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return [];
  return stats.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
}
