import { readFileSync } from 'node:fs';

const settleMs = 20;

/**
 * Ends a sandbox from outside. Killing bwrap alone takes the rest with it only once its child has asked for that, which
 * happens a moment after it was made; a kill in that moment would leave the sandbox running. So bwrap is stopped first,
 * then its children are killed (the first process of a namespace takes the whole namespace along), then bwrap itself.
 */
export function killContained(pid: number): void {
  if (!signal(pid, 'SIGSTOP')) return;
  const until = performance.now() + settleMs;
  while (!isStopped(pid) && performance.now() < until);
  for (const child of childrenOf(pid)) signal(child, 'SIGKILL');
  signal(pid, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    // It has ended.
    return false;
  }
}

function isStopped(pid: number): boolean {
  // The name of the program stands in brackets and may hold anything; the state follows it.
  const state = /\) (\S)/.exec(read(`/proc/${pid}/stat`))?.[1];
  return state === undefined || 'TtZX'.includes(state);
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return '';
  }
}
