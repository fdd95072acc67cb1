import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '@genie/core';

export interface ProcessCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the process; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts a process some other way, e.g. inside a sandbox. Must give it pipes and lead its own process group. */
export type SpawnProcess = (command: ProcessCommand) => ChildProcess;

const windows = process.platform === 'win32';

/** Starts the program as the leader of its own group, so that what it starts can be ended with it. */
export const spawnProcess: SpawnProcess = ({ command, args, env, cwd }) =>
  spawn(command, args, {
    env: { ...env },
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: !windows,
    windowsHide: true,
    shell: false,
  });

/**
 * Ends a process and everything it started: closes its input, then SIGTERM, then SIGKILL to the whole group. Resolves
 * when the process is gone. A server that ends by itself when its input closes costs one round of waiting only.
 */
export async function endProcess(child: ChildProcess, clock: Clock, graceMs = 500): Promise<void> {
  child.stdin?.end();
  if (await exitsWithin(child, clock, graceMs)) return killGroup(child, 'SIGKILL');
  killGroup(child, 'SIGTERM');
  await exitsWithin(child, clock, graceMs);
  killGroup(child, 'SIGKILL');
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

/** The group outlives its leader as long as one member runs, so this reaches orphans too. */
function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    if (windows) child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}
