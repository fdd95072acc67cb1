import { spawn } from 'node:child_process';
import path from 'node:path';

export interface Command {
  /** A path, a program of the workspace's node_modules/.bin (start.mjs puts it on PATH) or of the machine. */
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to the environment of this process; undefined takes a variable away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Shows stdout and stderr as they come instead of collecting them. */
  readonly loud?: boolean;
  readonly timeoutMs?: number;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  /** stdout and stderr together, in the order they came. */
  readonly output: string;
}

export function runCommand(command: Command): Promise<CommandResult> {
  const { program, args, cwd, environment = {}, loud = false, timeoutMs } = command;
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...environment },
    // Windows finds the .cmd shims of npm and node_modules/.bin only through its shell.
    shell: process.platform === 'win32' && !path.isAbsolute(program),
    stdio: ['ignore', loud ? 'inherit' : 'pipe', loud ? 'inherit' : 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const stdout: Buffer[] = [];
  const both: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk) && both.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => both.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout: text(stdout), output: text(both) }));
  });
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8');
}
