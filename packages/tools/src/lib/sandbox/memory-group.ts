import { randomUUID } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A control group of one command: memory of all its processes together. */
export interface MemoryGroup {
  /**
   * Opens the file a process writes `0` to in order to move itself into the group; the caller closes it. Moving another
   * process makes the kernel wait for all processors (11 ms), moving oneself does not (0.1 ms).
   */
  openEntrance(): number;
  /** True when the kernel ended a process because the group was full. */
  wasExhausted(): boolean;
  /** Gives the group back; a later command with the same limit may get it. */
  release(): void;
}

/** The control groups of one sandbox. */
export interface MemoryGroups {
  take(maxMemoryBytes: number): MemoryGroup;
  /** Removes every group as soon as the last of its processes is gone. */
  close(): Promise<void>;
}

/** What differs between the two versions of control groups. */
interface Version {
  readonly root: string;
  readonly settings: (bytes: number) => Readonly<Record<string, number>>;
  readonly entrance: string;
  readonly events: string;
}

/**
 * Finds a place where this process may make control groups (version 2 or 1). Undefined when there is none, which is the
 * rule for ordinary users outside of systemd's delegation; the sandbox then watches memory itself and says so.
 */
export function findMemoryGroups(root = '/sys/fs/cgroup'): MemoryGroups | undefined {
  const unified = join(root, 'cgroup.subtree_control');
  if (existsSync(unified)) {
    const controllers = readFileSync(unified, 'utf8').split(/\s+/);
    if (!controllers.includes('memory') || !isWritable(root)) return undefined;
    return createGroups({
      root,
      settings: (bytes) => ({ 'memory.max': bytes, 'memory.swap.max': 0 }),
      entrance: 'cgroup.procs',
      events: 'memory.events',
    });
  }
  const memory = join(root, 'memory');
  if (!existsSync(join(memory, 'memory.limit_in_bytes')) || !isWritable(memory)) return undefined;
  return createGroups({
    root: memory,
    settings: (bytes) => ({ 'memory.limit_in_bytes': bytes, 'memory.memsw.limit_in_bytes': bytes }),
    entrance: 'tasks',
    events: 'memory.oom_control',
  });
}

function createGroups(version: Version): MemoryGroups {
  sweep(version.root);
  const prefix = `genie-${process.pid}-${randomUUID().slice(0, 8)}`;
  const idle = new Map<number, string[]>();
  const made = new Set<string>();
  const take = (bytes: number): string => {
    const waiting = idle.get(bytes) ?? [];
    // The last processes of a killed command may need a moment; they must not eat the memory of the next one.
    const free = waiting.findIndex(isEmpty);
    if (free >= 0) return waiting.splice(free, 1)[0] as string;
    const path = join(version.root, `${prefix}-${made.size + 1}`);
    makeGroup(path, version.settings(bytes));
    made.add(path);
    return path;
  };
  return {
    take(bytes) {
      const path = take(bytes);
      const killsBefore = killsIn(join(path, version.events));
      return {
        openEntrance: () => openSync(join(path, version.entrance), 'w'),
        wasExhausted: () => killsIn(join(path, version.events)) > killsBefore,
        release: () => void idle.set(bytes, [...(idle.get(bytes) ?? []), path]),
      };
    },
    async close() {
      await Promise.all([...made].map(removeGroup));
      made.clear();
      idle.clear();
    },
  };
}

/** False for a group that somebody removed, too. */
function isEmpty(path: string): boolean {
  try {
    return readFileSync(join(path, 'cgroup.procs'), 'latin1') === '';
  } catch {
    return false;
  }
}

/** Removes empty groups of runtimes that were killed. */
function sweep(root: string): void {
  for (const name of readdirSync(root)) {
    const pid = /^genie-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    try {
      rmdirSync(join(root, name));
    } catch {
      // Its last process is not gone yet.
    }
  }
}

function makeGroup(path: string, settings: Readonly<Record<string, number>>): void {
  mkdirSync(path);
  for (const [name, value] of Object.entries(settings)) {
    // Swap accounting may be off; the limit on memory itself has to work.
    if (existsSync(join(path, name)) || !name.includes('sw')) writeFileSync(join(path, name), String(value));
  }
}

const removalTries = 100;

async function removeGroup(path: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || tries === removalTries) throw error;
    }
    await sleep(tries);
  }
}

function killsIn(file: string): number {
  return Number(/^oom_kill (\d+)/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
