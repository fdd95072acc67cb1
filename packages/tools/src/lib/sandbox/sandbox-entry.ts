import { existsSync, lstatSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { GenieError } from '@genie/core/errors';
import type { SandboxUser } from './sandbox-user.ts';

/** What is put before the sandbox's own program, who starts it, and where it finds the workspace. */
export interface SandboxEntry {
  readonly before: readonly string[];
  /** Undefined: as the runtime itself. */
  readonly user: SandboxUser | undefined;
  /** A path that the user can reach. */
  readonly workspace: string;
}

export interface EntryOptions {
  /** How a lent network is entered. */
  readonly enter: readonly string[] | undefined;
  /** Who commands run as; undefined when the runtime is not root. */
  readonly user: SandboxUser | undefined;
  readonly workspace: string;
  /** An empty folder that every user can reach; the workspace is shown there when its own path cannot be reached. */
  readonly stage: string;
}

/**
 * A runtime that is root drops to the other user before the sandbox starts. Two things have to be done as root before that:
 * entering a lent network, which belongs to root (the network alone, never its user namespace, where the command would stay
 * root), and reaching a workspace below a folder that only root may enter: it is shown elsewhere, in a mount namespace of
 * this command. Throws `GENIE_SANDBOX_UNAVAILABLE` when the programs for it are missing.
 */
export function prepareEntry({ enter, user, workspace, stage }: EntryOptions): SandboxEntry {
  if (user === undefined) return { before: enter ?? [], user, workspace };
  const isHidden = !canReach(user, workspace);
  const network = basename(enter?.[0] ?? '') === 'nsenter' ? networkOnly(enter ?? []) : undefined;
  if (!isHidden && network === undefined) return { before: enter ?? [], user, workspace };
  const show = isHidden ? [find('unshare'), '--mount', '--', '/bin/sh', '-c', showScript, 'sh', workspace, stage] : [];
  const drop = [find('setpriv'), `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--'];
  return {
    before: [...(network ?? enter ?? []), ...show, ...drop],
    user: undefined,
    workspace: isHidden ? stage : workspace,
  };
}

/**
 * `unshare` has made every mount private, so nobody else sees this one, and it ends with the command. A shell exports where it
 * is, which the first process of the sandbox would show.
 */
const showScript = 'mount --bind "$1" "$2" || exit 126; shift 2; cd /; unset PWD OLDPWD; exec "$@"';

function networkOnly(enter: readonly string[]): readonly string[] {
  return [...enter.filter((word) => !/^(?:--user(?:=.*)?|-U.*|--preserve-credentials|--)$/.test(word)), '--'];
}

/** Whether a user may walk down to a folder; access lists are not looked at. */
export function canReach({ uid, gid }: SandboxUser, path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const stats = lstatSync(folder);
    const bit = stats.uid === uid ? 0o100 : stats.gid === gid ? 0o010 : 0o001;
    if ((stats.mode & bit) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

function find(program: string): string {
  const path = ['/usr/bin', '/bin'].map((folder) => `${folder}/${program}`).find((one) => existsSync(one));
  if (path !== undefined) return path;
  throw new GenieError(
    'GENIE_SANDBOX_UNAVAILABLE',
    `No sandbox for commands of a runtime that is root (${program} is missing): install it (util-linux), or do not run as root.`,
  );
}
