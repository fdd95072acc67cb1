import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { RecordSandboxEvent } from './conduct-experiment.ts';
import type { ExperimentStore } from './experiment-store.ts';
import type { FolderSandbox } from './sandbox-folders.ts';

export interface SweepPolicy {
  /** Copies older than this go. Default 30 days. */
  readonly keepMs?: number;
  /** At most so many experiments keep their copies, the newest ones. Default 20. */
  readonly keepExperiments?: number;
}

const dayMs = 86_400_000;

export interface SweepDeps {
  readonly dir: string;
  readonly sandbox: FolderSandbox;
  readonly store: ExperimentStore;
  readonly now: number;
  readonly event: RecordSandboxEvent;
  isRunning(id: string): boolean;
}

/** Removes the copies and measurements of old experiments; records and reports stay. */
export async function sweepCopies(deps: SweepDeps, policy: SweepPolicy): Promise<readonly string[]> {
  const { dir, sandbox, store, now, event } = deps;
  const { keepMs = 30 * dayMs, keepExperiments = 20 } = policy;
  const rows = [...(await store.list())].reverse();
  const copies = new Map((await sandbox.list()).map((one) => [one.id, one.folder]));
  const gone: string[] = [];
  for (const [index, row] of rows.entries()) {
    const own = (['baseline', 'changed'] as const)
      .map((variant) => `${row.id}-${variant}`)
      .filter((name) => copies.has(name));
    const old = now - row.createdAt > keepMs || index >= keepExperiments;
    if (!old || deps.isRunning(row.id) || own.length === 0) continue;
    for (const name of own) {
      await sandbox.remove(name);
      await event(row.id, 'swept', copies.get(name) ?? name);
    }
    await rm(path.join(dir, 'measured', row.id), { recursive: true, force: true });
    gone.push(row.id);
  }
  return gone;
}
