import { readdirSync, readFileSync } from 'node:fs';

/** Says in a process's environment whose it is; its children inherit it. */
export const containerMark = 'genie_container';
export const sessionMark = 'genie_session';

/** Pids of the processes that carry a mark, zombies left out. Empty where there is no `/proc`. */
export function markedProcesses(name: string, value: string): number[] {
  const wanted = `${name}=${value}`;
  return pids().filter((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(wanted)) return false;
      return statFields(pid)?.[0] !== 'Z';
    } catch {
      // It ended meanwhile, or belongs to somebody else.
      return false;
    }
  });
}

/** Sends a signal to every process with the mark and to a process group, until no new ones appear. */
export function signalMarked(task: {
  readonly name: string;
  readonly value: string;
  readonly signal: NodeJS.Signals;
  readonly group?: number;
}): void {
  if (task.group !== undefined) send(-task.group, task.signal);
  const seen = new Set<number>();
  for (let round = 0; round < 20; round += 1) {
    const fresh = markedProcesses(task.name, task.value).filter((pid) => !seen.has(pid));
    if (fresh.length === 0) return;
    for (const pid of fresh) {
      seen.add(pid);
      send(pid, task.signal);
    }
  }
}

export function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** When it was started, so that a reused pid is not taken for it. Undefined when it has ended or there is no `/proc`. */
export function processStart(pid: number): string | undefined {
  const fields = statFields(pid);
  return fields === undefined || fields[0] === 'Z' ? undefined : fields[19];
}

export interface ProcessUse {
  readonly memoryBytes: number;
  readonly cpuMs: number;
}

/** Resident memory and CPU time, by proc(5): pages of 4 KiB, clock ticks of 10 ms. */
export function processUse(pid: number): ProcessUse {
  const fields = statFields(pid);
  if (!fields) return { memoryBytes: 0, cpuMs: 0 };
  return { memoryBytes: Number(fields[21]) * 4096, cpuMs: (Number(fields[11]) + Number(fields[12])) * 10 };
}

function pids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** The fields of /proc/<pid>/stat from the third on. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
