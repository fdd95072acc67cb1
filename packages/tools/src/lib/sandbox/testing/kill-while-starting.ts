import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How many sandboxes start at the moment of the kill. */
export const startedAtOnce = 6;

export interface KillWhileStarting {
  /** Stands in the command line of everything that is started. */
  readonly mark: string;
  readonly afterMs: number;
  /** Commands of a run, or MCP servers. Default commands. */
  readonly starts?: 'commands' | 'servers';
  /** Instead of bwrap, e.g. one that takes its time. */
  readonly program?: string;
}

/** Kills a runtime with SIGKILL while its sandboxes start. Gives how many processes are left a moment later. */
export async function killWhileStarting(
  workspace: string,
  { mark, afterMs, starts = 'commands', program: bwrap }: KillWhileStarting,
): Promise<number> {
  const options = JSON.stringify({ workspace, program: bwrap });
  const program = starts === 'commands' ? startCommands(options, mark) : startServers(options, mark);
  const child = spawn(process.execPath, ['--conditions=@genie/source', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  const before = sandboxes(child.pid);
  child.send('go');
  await sleep(afterMs);
  child.kill('SIGKILL');
  await once(child, 'close');
  // Of sandboxes without the mark only those that stay count: others of this machine lose their runtime, too, and end a moment later.
  let orphans = sandboxes(child.pid).filter((pid) => !before.includes(pid));
  let left = processes(mark).length + orphans.length;
  for (let tries = 0; tries < 100 && left > 0; tries += 1) {
    await sleep(20);
    const still = new Set(sandboxes(child.pid));
    orphans = orphans.filter((pid) => still.has(pid));
    left = processes(mark).length + orphans.length;
  }
  removeGroups(child.pid);
  return left;
}

function startCommands(options: string, mark: string): string {
  return `
    const { createSandbox } = await import(${JSON.stringify(new URL('../create-sandbox.ts', import.meta.url).href)});
    const sandbox = await createSandbox(${options});
    process.send('ready');
    await new Promise((resolve) => process.once('message', resolve));
    const limits = { timeoutMs: 60000, maxOutputBytes: 1000, maxMemoryBytes: 100000000 };
    for (let index = 0; index < ${startedAtOnce}; index += 1)
      void sandbox.run({ command: ['/bin/sh', '-c', 'setsid sleep ${mark} & sleep ${mark}'], workingDirectory: '.', environment: {}, limits });`;
}

function startServers(options: string, mark: string): string {
  const opener = new URL('../../mcp/sandbox/mcp-sandbox.ts', import.meta.url).href;
  return `
    const { openMcpSandbox } = await import(${JSON.stringify(opener)});
    const sandbox = await openMcpSandbox(${options});
    process.send('ready');
    await new Promise((resolve) => process.once('message', resolve));
    // What a sandbox is to do reaches it between two starts.
    for (let index = 0; index < ${startedAtOnce}; index += 1, await new Promise(setImmediate))
      sandbox.spawn({ command: '/bin/sh', args: ['-c', 'setsid sleep ${mark} & sleep ${mark}'], env: {} });`;
}

function processes(mark: string): readonly string[] {
  return pids().filter((pid) => read(`/proc/${pid}/cmdline`).includes(mark));
}

/** Processes of bwrap that nobody waits for: their parent is gone, or is the one that was killed. */
function sandboxes(runtime: number | undefined): readonly string[] {
  return pids().filter((pid) => {
    const [, name, parent] = /\((.*)\) \S (\d+)/s.exec(read(`/proc/${pid}/stat`)) ?? [];
    return name === 'bwrap' && (parent === '1' || parent === String(runtime));
  });
}

function pids(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** What a killed runtime cannot remove itself. */
function removeGroups(pid: number | undefined): void {
  for (const folder of ['/sys/fs/cgroup', '/sys/fs/cgroup/memory']) {
    try {
      for (const name of readdirSync(folder)) if (name.startsWith(`genie-${pid}-`)) rmdirSync(join(folder, name));
    } catch {
      // Still busy, or no control groups here.
    }
  }
}
