import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GenieError } from '@genie/core/errors';
import { canReach } from '../../sandbox/sandbox-entry.ts';
import type { SandboxUser } from '../../sandbox/sandbox-user.ts';

export interface ReachableGrants {
  /** Put before everything else; empty when every path can be reached as it is. */
  readonly before: readonly string[];
  /** Put after the entry of the sandbox: becomes the other user where the caller could not. */
  readonly drop: readonly string[];
  /** Where the sandbox finds a granted path. */
  sourceOf(path: string): string;
}

export interface GrantsToReach {
  /** Who the program runs as; undefined when the runtime is not root. */
  readonly user: SandboxUser | undefined;
  readonly paths: readonly string[];
  /** A folder that every user can reach. */
  readonly stage: string;
}

/**
 * A runtime that is root gives up its user before the sandbox starts, and then cannot enter folders that only root may enter,
 * such as its own home. What was granted below them is shown in a place that can be reached, in a mount namespace of this
 * program alone.
 */
export function reachGrants({ user, paths, stage }: GrantsToReach): ReachableGrants {
  const hidden = user === undefined ? [] : paths.filter((path) => !canReach(user, path));
  if (user === undefined || hidden.length === 0) return { before: [], drop: [], sourceOf: (path) => path };
  const shown = new Map(hidden.map((path, index) => [path, makeMountPoint(path, join(stage, `grant-${index}`))]));
  const pairs = [...shown].flat();
  return {
    before: [find('unshare'), '--mount', '--', '/bin/sh', '-c', script, 'sh', String(shown.size), ...pairs],
    drop: [find('setpriv'), `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--'],
    sourceOf: (path) => shown.get(path) ?? path,
  };
}

/** `unshare` has made every mount private, so nobody else sees these, and they end with the program. */
const script =
  'left=$1; shift; while [ "$left" -gt 0 ]; do mount --bind "$1" "$2" || exit 126; shift 2; left=$((left - 1)); done; exec "$@"';

function makeMountPoint(path: string, target: string): string {
  if (statSync(path).isDirectory()) mkdirSync(target, { mode: 0o755 });
  else writeFileSync(target, '', { mode: 0o644 });
  return target;
}

function find(program: string): string {
  const path = ['/usr/bin', '/bin'].map((folder) => `${folder}/${program}`).find((one) => existsSync(one));
  if (path !== undefined) return path;
  throw new GenieError(
    'GENIE_SANDBOX_UNAVAILABLE',
    `${program} is missing, which a runtime that is root needs to show a server its files: install it (util-linux), or do not run as root.`,
  );
}
