import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A process: its number, the space of numbers it is in, and when it started. Numbers are given out again, starts are not. */
interface Owner {
  readonly pid: number;
  readonly space: string;
  readonly start: string;
}

/**
 * Makes a folder for temporary files whose name says which process it belongs to, `genie-KIND-PID-SPACE-START-XXXXXX`, so
 * that {@link removeAbandoned} can tell when nobody needs it any more.
 */
export function makeOwnedFolder(kind: string, parent: string = tmpdir()): string {
  const { pid, space, start } = ownerOf(process.pid) ?? { pid: process.pid, space: '0', start: '0' };
  return mkdtempSync(join(parent, `genie-${kind}-${pid}-${space}-${start}-`));
}

/**
 * Removes folders of that kind whose process is gone: one that is killed cannot remove its own. Leaves alone what belongs to
 * another user, or to a process whose number means somebody else here (a container that shares the folder). Never throws.
 */
export function removeAbandoned(kind: string, parent: string = tmpdir()): void {
  const self = ownerOf(process.pid);
  if (!self) return;
  const pattern = new RegExp(`^genie-${kind}-(\\d+)-(\\d+)-(\\d+)-[A-Za-z0-9]{6}$`);
  for (const name of namesIn(parent)) {
    const [, pid, space, start] = pattern.exec(name) ?? [];
    if (pid === undefined || space !== self.space) continue;
    if (ownerOf(Number(pid))?.start !== start) removeOwn(join(parent, name));
  }
}

function removeOwn(path: string): void {
  try {
    const stats = lstatSync(path);
    if (stats.isDirectory() && stats.uid === process.getuid?.()) rmSync(path, { recursive: true, force: true });
  } catch {
    // Another process removed it first, or something in it is in use.
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Undefined when there is no such process, and where the system does not tell. */
function ownerOf(pid: number): Owner | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Behind the name, which may hold spaces and brackets; the start is field 22.
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const space = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0];
    return start === undefined || space === undefined ? undefined : { pid, space, start };
  } catch {
    return undefined;
  }
}
