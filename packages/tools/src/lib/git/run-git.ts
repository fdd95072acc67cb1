import { spawn } from 'node:child_process';
import { devNull } from 'node:os';
import { GenieError } from '@genie/core/errors';

export interface GitOptions {
  /** The program. Default `git`, looked up in `searchPath`. */
  readonly program?: string;
  /** PATH of the child. Default the usual folders of programs. */
  readonly searchPath?: string;
  /** Most bytes of output that are read. Default 16 MiB; more kills git and marks the result. */
  readonly maxOutputBytes?: number;
}

export interface GitResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
}

const defaultSearchPath = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin';

/**
 * Runs real git so that nothing the repository contains is executed: no hooks, no file-system monitor, no pager, no
 * external diff or text conversion, no signature program, no lazy fetch over any protocol, no settings of the user or
 * the system. Throws `GENIE_GIT_MISSING` when there is no git, `GENIE_ABORTED` on abort.
 */
export async function runGit(
  repository: string,
  command: readonly string[],
  signal: AbortSignal,
  options: GitOptions = {},
): Promise<GitResult> {
  signal.throwIfAborted();
  const program = options.program ?? 'git';
  const child = spawn(program, [...safeSettings(repository), ...command], {
    cwd: repository,
    env: gitEnvironment(options.searchPath ?? defaultSearchPath),
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const stop = () => child.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await collect(child, options.maxOutputBytes ?? 16 * 1024 * 1024);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new GenieError(
        'GENIE_GIT_MISSING',
        `The program ${JSON.stringify(program)} could not be started in ${repository}: install git, or pass its path.`,
        { cause: error },
      );
    }
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    signal.throwIfAborted();
  }
}

/** Settings on the command line win over the repository's own file. */
function safeSettings(repository: string): string[] {
  const settings = [
    `safe.directory=${repository}`,
    'core.fsmonitor=false',
    `core.hooksPath=${devNull}`,
    'core.pager=cat',
    'core.quotePath=false',
    'core.sshCommand=false',
    'core.askPass=',
    'credential.helper=',
    'protocol.allow=never',
    'log.showSignature=false',
    'gpg.program=false',
    `diff.orderFile=${devNull}`,
    'diff.trustExitCode=false',
    'log.mailmap=false',
  ];
  return ['--no-pager', '--no-replace-objects', ...settings.flatMap((setting) => ['-c', setting])];
}

function gitEnvironment(searchPath: string): NodeJS.ProcessEnv {
  return {
    PATH: searchPath,
    HOME: devNull,
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_DISCOVERY_ACROSS_FILESYSTEM: '0',
    GIT_PAGER: 'cat',
  };
}

function collect(child: ReturnType<typeof spawn>, maxOutputBytes: number): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const output: Buffer[] = [];
    let errors = '';
    let bytes = 0;
    let truncated = false;
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxOutputBytes) output.push(chunk);
      else if (!truncated) {
        truncated = true;
        child.kill('SIGKILL');
      }
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      if (errors.length < 4096) errors += chunk.toString('utf8');
    });
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({
        exitCode: code ?? -1,
        stdout: Buffer.concat(output).toString('utf8'),
        stderr: errors.trim(),
        truncated,
      });
    });
  });
}
