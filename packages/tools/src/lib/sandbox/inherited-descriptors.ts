import { closeSync, openSync, readdirSync, readSync } from 'node:fs';

const buffer = Buffer.alloc(256);
const closeOnExec = 0o2000000;

/**
 * Descriptors above stderr that a child of this process would inherit: whatever our own parent left open. One that
 * names a folder is a way out of any sandbox, so the spawner covers each of them with `/dev/null`. Linux only.
 */
export function inheritedDescriptors(): number[] {
  const found: number[] = [];
  for (const name of readdirSync('/proc/self/fd')) {
    const descriptor = Number(name);
    if (descriptor > 2 && isInherited(descriptor)) found.push(descriptor);
  }
  return found;
}

function isInherited(descriptor: number): boolean {
  let info: number;
  try {
    info = openSync(`/proc/self/fdinfo/${descriptor}`, 'r');
  } catch {
    // It was the descriptor of the listing itself, closed by now.
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
