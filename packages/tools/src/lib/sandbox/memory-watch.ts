import { readFileSync } from 'node:fs';

const pageBytes = 4096;

/** Resident memory of a process and everything below it, in bytes; processes that end meanwhile count as nothing. */
export function residentBytes(pid: number): number {
  let total = 0;
  const open = [pid];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const statm = read(`/proc/${next}/statm`);
    total += Number(statm.split(' ')[1] ?? 0) * pageBytes;
    for (const child of read(`/proc/${next}/task/${next}/children`).split(' '))
      if (child !== '') open.push(Number(child));
  }
  return total;
}

/** Looks every `everyMs` and calls back once when the limit is passed. Returns what stops the watch. */
export function watchMemory(pid: number, maxBytes: number, onExceeded: () => void, everyMs = 50): () => void {
  const timer = setInterval(() => {
    if (residentBytes(pid) <= maxBytes) return;
    clearInterval(timer);
    onExceeded();
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
