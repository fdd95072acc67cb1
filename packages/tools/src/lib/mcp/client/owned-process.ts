import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Clock } from '@genie/core';
import { markedProcesses, markName } from './marked-processes.ts';

export interface ProcessCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the process; nothing is inherited. A mark is added, `MCP_SERVER_MARK`. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A process with pipes that belongs to one connection. */
export interface OwnedProcess {
  readonly child: ChildProcess;
  /** Sends a signal to the process and to everything it started. Never throws. */
  kill(signal: NodeJS.Signals): void;
}

/** Starts a process some other way, e.g. inside a sandbox. */
export type SpawnProcess = (command: ProcessCommand) => OwnedProcess;

const windows = process.platform === 'win32';

/** Starts the program as the leader of its own group, so that what it starts can be ended with it. */
export const spawnProcess: SpawnProcess = ({ command, args, env, cwd }) => {
  const mark = randomUUID();
  const child = spawn(command, args, {
    env: { ...env, [markName]: mark },
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: !windows,
    windowsHide: true,
    shell: false,
  });
  return { child, kill: (signal) => killFamily(child, mark, signal) };
};

/**
 * Ends a process and everything it started: closes its input, then SIGTERM, then SIGKILL to the whole group. Resolves
 * when the process is gone. A server that ends by itself when its input closes costs one round of waiting only.
 */
export async function endProcess({ child, kill }: OwnedProcess, clock: Clock, graceMs = 500): Promise<void> {
  child.stdin?.end();
  if (await exitsWithin(child, clock, graceMs)) return kill('SIGKILL');
  kill('SIGTERM');
  await exitsWithin(child, clock, graceMs);
  kill('SIGKILL');
  if (!(await exitsWithin(child, clock, 2_000))) child.unref();
  child.stdout?.destroy();
  child.stderr?.destroy();
}

/** True when it is gone already or goes in time. */
function exitsWithin(child: ChildProcess, clock: Clock, delayMs: number): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve(true);
  return new Promise((resolve) => {
    const onExit = (): void => {
      cancel();
      resolve(true);
    };
    const cancel = clock.schedule(delayMs, () => {
      child.off('exit', onExit);
      resolve(false);
    });
    child.once('exit', onExit);
  });
}

/** The group outlives its leader as long as one member runs; the mark reaches those that left it. */
function killFamily({ pid }: ChildProcess, mark: string, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  for (const target of windows ? [pid] : [-pid, ...markedProcesses(mark)]) {
    try {
      process.kill(target, signal);
    } catch {
      // It is gone, and so is everybody in its group.
    }
  }
}
