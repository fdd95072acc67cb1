import { realpathSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { SandboxPort } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { createBubblewrapSandbox } from './bubblewrap-sandbox.ts';
import type { SandboxOptions } from './sandbox-options.ts';
import { createSeatbeltSandbox } from './seatbelt-sandbox.ts';

/** Handing one of these to a command, or changing who owns it, would break the machine. */
const systemFolders: ReadonlySet<string> = new Set(
  '/ /bin /boot /dev /etc /home /lib /lib64 /opt /proc /root /run /sbin /srv /sys /tmp /usr /var'.split(' '),
);

/**
 * The sandbox for commands of this machine. Never falls back to running unconfined.
 * Rejects with `GENIE_SANDBOX_UNAVAILABLE` when there is none and with `GENIE_OPTIONS_INVALID` for a workspace that is
 * not absolute, missing, or a folder of the system.
 */
export async function createSandbox(options: SandboxOptions): Promise<SandboxPort> {
  const real = isAbsolute(options.workspace) ? realOrUndefined(options.workspace) : undefined;
  if (real === undefined || systemFolders.has(real)) {
    throw new GenieError(
      'GENIE_OPTIONS_INVALID',
      `${JSON.stringify(options.workspace)} cannot be the workspace of a sandbox: pass the absolute path of an existing folder of its own.`,
    );
  }
  const found = { ...options, workspace: real };
  return process.platform === 'darwin' ? createSeatbeltSandbox(found) : createBubblewrapSandbox(found);
}

function realOrUndefined(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
