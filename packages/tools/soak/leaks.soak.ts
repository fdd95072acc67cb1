import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, type Row } from '../bench/measure.ts';
import { createSandbox } from '../src/lib/sandbox/create-sandbox.ts';

/** Starts and kills commands in every way there is, then looks for what is left over. */
export async function soak({
  trials,
  log,
}: {
  readonly trials?: number;
  readonly log: (line: string) => void;
}): Promise<Row[]> {
  const cycles = trials ?? 500;
  const workspace = mkdtempSync(join(tmpdir(), 'genie-soak-'));
  if (process.getuid?.() === 0) chownSync(workspace, 65532, 65532);
  const mark = `${70_000 + process.pid}.25`;
  const sandbox = await createSandbox({ workspace });
  await cycle(sandbox, mark, 0);
  await sleep(500);
  const before = census();
  for (let index = 0; index < cycles; index += 1) {
    await cycle(sandbox, mark, index);
    if (index % 100 === 99) log(`${index + 1} of ${cycles} cycles`);
  }
  await sleep(1500);
  const after = census();
  const processes = marked(mark);
  await sandbox.close();
  const groups = controlGroups();
  rmSync(workspace, { recursive: true, force: true });
  return [
    atMost('tools.leaks.processes', `processes left after ${cycles} start and kill cycles`, {
      value: processes,
      unit: 'processes',
      limit: 0,
    }),
    atMost('tools.leaks.descriptors', 'descriptors more than before', {
      value: Math.max(0, after.descriptors - before.descriptors),
      unit: 'descriptors',
      limit: 0,
    }),
    atMost('tools.leaks.handles', 'timers and sockets more than before', {
      value: Math.max(0, after.handles - before.handles),
      unit: 'handles',
      limit: 0,
    }),
    atMost('tools.leaks.groups', 'control groups left', { value: groups, unit: 'groups', limit: 0 }),
  ];
}

type Sandbox = Awaited<ReturnType<typeof createSandbox>>;

async function cycle(sandbox: Sandbox, mark: string, index: number): Promise<void> {
  const kinds = [
    { script: `setsid sleep ${mark} & sleep ${mark}`, timeoutMs: 30 },
    { script: `(sleep ${mark} &) ; exit 0`, timeoutMs: 10_000 },
    { script: 'yes', timeoutMs: 10_000 },
    { script: `trap "" TERM; sleep ${mark}`, timeoutMs: 10_000, abortMs: 20 },
    { script: 'exit 3', timeoutMs: 10_000, maxMemoryBytes: 100_000_000 },
  ];
  const { script, timeoutMs, abortMs, maxMemoryBytes } = kinds[index % kinds.length] ?? {
    script: 'true',
    timeoutMs: 1000,
  };
  const limits = { timeoutMs, maxOutputBytes: 10_000, ...(maxMemoryBytes === undefined ? {} : { maxMemoryBytes }) };
  const options = abortMs === undefined ? {} : { signal: AbortSignal.timeout(abortMs) };
  await sandbox.run({ command: ['/bin/sh', '-c', script], workingDirectory: '.', environment: {}, limits }, options);
}

function census(): { readonly descriptors: number; readonly handles: number } {
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    handles: process.getActiveResourcesInfo().filter((name) => name !== 'Timeout').length,
  };
}

function marked(mark: string): number {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(mark)).length;
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

function controlGroups(): number {
  return ['/sys/fs/cgroup', '/sys/fs/cgroup/memory'].reduce((sum, folder) => sum + count(folder), 0);
}

function count(folder: string): number {
  try {
    return readdirSync(folder).filter((name) => name.startsWith(`genie-${process.pid}-`)).length;
  } catch {
    return 0;
  }
}
