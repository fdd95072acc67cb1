import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ContainmentReport {
  readonly isAvailable: boolean;
  /** What is missing, each with the fix. */
  readonly missing: readonly string[];
}

const tools = [
  ['unshare', ['--version'], 'unshare is missing; install util-linux'],
  ['nsenter', ['--version'], 'nsenter is missing; install util-linux'],
  ['ip', ['-Version'], 'ip is missing; install iproute2'],
] as const;

/** Says whether commands can be contained on this machine, and what to do about it. For `genie doctor`. Never rejects. */
export async function explainContainment(options: { readonly signal?: AbortSignal } = {}): Promise<ContainmentReport> {
  if (process.platform !== 'linux') {
    return {
      isAvailable: false,
      missing: [`network namespaces are a Linux feature; on ${process.platform} run commands in a container`],
    };
  }
  const answers = await Promise.all(tools.map(([tool, flags]) => succeeds(tool, flags, options.signal)));
  const missing: string[] = tools.flatMap(([, , fix], index) => (answers[index] ? [] : [fix]));
  if (answers[0] && !(await succeeds('unshare', ['--user', '--map-root-user', '--net', 'true'], options.signal))) {
    missing.push(
      'unprivileged user namespaces are forbidden; set kernel.unprivileged_userns_clone=1 or user.max_user_namespaces, or relax AppArmor for this program',
    );
  }
  return { isAvailable: missing.length === 0, missing };
}

function succeeds(tool: string, flags: readonly string[], signal: AbortSignal | undefined): Promise<boolean> {
  return run(tool, [...flags], { timeout: 5_000, ...(signal ? { signal } : {}) }).then(
    () => true,
    () => false,
  );
}
