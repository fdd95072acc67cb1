import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';

const buffer = Buffer.alloc(256);
const closeOnExec = 0o2000000;

/** Finds descriptors that a child would inherit; see {@link createDescriptorScan}. */
export type DescriptorScan = () => number[];

/**
 * Descriptors above stderr that a child of this process would inherit: whatever our own parent left open. One that
 * names a folder is a way out of any sandbox, so the spawner covers each of them with `/dev/null`. Linux only.
 * Remembers sockets and pipes that close by themselves: asking about each of them again takes most of a millisecond. Files are
 * asked about every time, because another one can have the same number and name.
 */
export function createDescriptorScan(): DescriptorScan {
  const harmless = new Map<number, string>();
  return () => {
    const found: number[] = [];
    for (const name of readdirSync('/proc/self/fd')) {
      const descriptor = Number(name);
      if (descriptor <= 2) continue;
      const target = targetOf(descriptor);
      if (target === undefined || harmless.get(descriptor) === target) continue;
      if (isInherited(descriptor)) found.push(descriptor);
      else if (!target.startsWith('/')) harmless.set(descriptor, target);
    }
    return found;
  };
}

/** Undefined when it is closed by now, as the descriptor of the listing itself is. */
function targetOf(descriptor: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}

function isInherited(descriptor: number): boolean {
  let info: number;
  try {
    info = openSync(`/proc/self/fdinfo/${descriptor}`, 'r');
  } catch {
    // Closed since it was listed.
    return false;
  }
  try {
    const length = readSync(info, buffer, 0, buffer.length, 0);
    const flags = /flags:\s*(\d+)/.exec(buffer.toString('latin1', 0, length))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & closeOnExec) === 0;
  } finally {
    closeSync(info);
  }
}
