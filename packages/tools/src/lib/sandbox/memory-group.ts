import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A control group of one command: memory of all its processes together, and their number. */
export interface MemoryGroup {
  /** Moves a process in; its later children are in it too. */
  add(pid: number): void;
  /** True when the kernel ended a process because the group was full. */
  wasExhausted(): boolean;
  /** Removes the group as soon as the last of its processes is gone; the kernel takes a few milliseconds for that. */
  remove(): Promise<void>;
}

export type MemoryGroups = (name: string, maxMemoryBytes: number) => MemoryGroup;

/**
 * Finds a place where this process may make control groups (version 2 or 1). Undefined when there is none, which is the
 * rule for ordinary users outside of systemd's delegation; the sandbox then watches memory itself and says so.
 */
export function findMemoryGroups(root = '/sys/fs/cgroup'): MemoryGroups | undefined {
  const unified = join(root, 'cgroup.subtree_control');
  if (existsSync(unified)) {
    const controllers = readFileSync(unified, 'utf8').split(/\s+/);
    return controllers.includes('memory') && isWritable(root)
      ? (name, bytes) =>
          createGroup(join(root, name), { 'memory.max': bytes, 'memory.swap.max': 0 }, versionTwoExhausted)
      : undefined;
  }
  const memory = join(root, 'memory');
  if (!existsSync(join(memory, 'memory.limit_in_bytes')) || !isWritable(memory)) return undefined;
  return (name, bytes) =>
    createGroup(
      join(memory, name),
      { 'memory.limit_in_bytes': bytes, 'memory.memsw.limit_in_bytes': bytes },
      versionOneExhausted,
    );
}

function createGroup(
  path: string,
  settings: Readonly<Record<string, number>>,
  exhausted: (path: string) => boolean,
): MemoryGroup {
  mkdirSync(path);
  for (const [name, value] of Object.entries(settings)) {
    // Swap accounting may be off; the limit on memory itself has to work.
    if (existsSync(join(path, name)) || !name.includes('sw')) writeFileSync(join(path, name), String(value));
  }
  return {
    add: (pid) => writeFileSync(join(path, 'cgroup.procs'), String(pid)),
    wasExhausted: () => exhausted(path),
    remove: () => removeGroup(path),
  };
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

function versionTwoExhausted(path: string): boolean {
  return /^oom_kill [1-9]/m.test(readFileSync(join(path, 'memory.events'), 'utf8'));
}

function versionOneExhausted(path: string): boolean {
  return /^oom_kill [1-9]/m.test(readFileSync(join(path, 'memory.oom_control'), 'utf8'));
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
