import { createHash } from 'node:crypto';
import { link, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import { type Clock, systemClock } from '@genie/core/ports';
import type { PushLedger } from './push-sender.ts';

export interface FileLedgerOptions {
  /** Made when missing. */
  readonly dir: string;
  /** What was delivered longer ago is forgotten. Default seven days. */
  readonly keepMs?: number;
  /** A claim whose process died is free again after this long. Default 300,000. */
  readonly claimMs?: number;
  readonly clock?: Pick<Clock, 'now'>;
}

export interface FileLedger extends PushLedger {
  /** Removes what is too old. Returns how many. */
  prune(): Promise<number>;
}

/**
 * A ledger in a folder: one empty file for each delivery, named by a hash. Several processes may use it at once. A delivery that was under way
 * when its process died counts as not made: it is tried again, and the collapse id makes it replace itself on the device.
 * Its methods reject with `GENIE_PUSH_STORE`.
 */
export function openFileLedger(options: FileLedgerOptions): FileLedger {
  const { dir, keepMs = 7 * 86_400_000, claimMs = 300_000, clock = systemClock } = options;
  const pathOf = (notificationId: string, deviceId: string) => {
    const hash = createHash('sha256')
      .update(JSON.stringify([notificationId, deviceId]))
      .digest('hex')
      .slice(0, 40);
    const folder = join(dir, hash.slice(0, 2));
    return { folder, busy: join(folder, `${hash}.busy`), delivered: join(folder, `${hash}.delivered`) };
  };
  return {
    claim: (notificationId, deviceId) =>
      guarded(dir, async () => {
        const { folder, busy, delivered } = pathOf(notificationId, deviceId);
        if (await ageOf(delivered, clock)) return 'delivered';
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const age = await ageOf(busy, clock);
        if (age && age.ms > claimMs) await takeOver(busy);
        if (!(await makeOnce(busy, clock))) return (await ageOf(delivered, clock)) ? 'delivered' : 'busy';
        // It may have been delivered between the two looks.
        if (!(await ageOf(delivered, clock))) return 'claimed';
        await rm(busy, { force: true });
        return 'delivered';
      }),
    settle: (notificationId, deviceId, wasDelivered) =>
      guarded(dir, async () => {
        const { busy, delivered } = pathOf(notificationId, deviceId);
        if (wasDelivered) await rename(busy, delivered);
        else await rm(busy, { force: true });
      }),
    prune: () => guarded(dir, () => prune(dir, clock, { delivered: keepMs, busy: Math.max(keepMs, claimMs) })),
  };
}

async function makeOnce(path: string, clock: Pick<Clock, 'now'>): Promise<boolean> {
  try {
    await writeFile(path, '', { flag: 'wx', mode: 0o600 });
    const now = new Date(clock.now());
    await utimes(path, now, now);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Of several that find a dead claim one removes it: a link to a fixed name exists once. */
async function takeOver(busy: string): Promise<void> {
  const mark = `${busy}.over`;
  try {
    await link(busy, mark);
    await rm(busy, { force: true });
  } catch {
    // Another process is at it.
  } finally {
    await rm(mark, { force: true });
  }
}

async function ageOf(path: string, clock: Pick<Clock, 'now'>): Promise<{ readonly ms: number } | undefined> {
  try {
    return { ms: clock.now() - (await stat(path)).mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function prune(
  dir: string,
  clock: Pick<Clock, 'now'>,
  keepMs: { readonly delivered: number; readonly busy: number },
): Promise<number> {
  let removed = 0;
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const age = await ageOf(path, clock);
    if (!age || age.ms <= (entry.name.endsWith('.delivered') ? keepMs.delivered : keepMs.busy)) continue;
    await rm(path, { force: true });
    removed += 1;
  }
  return removed;
}

async function guarded<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new GenieError(
      'GENIE_PUSH_STORE',
      `The notes of deliveries in ${dir} cannot be used: ${describeThrown(error)}. Check its rights and the space of its disk.`,
      { cause: error },
    );
  }
}
