import { GenieError } from '@genie/core/errors';
import type { ConfinedFolder } from '../confine/confined-folder.ts';
import type { FolderEntry } from '../confine/list-folder.ts';

/** How much may still be written to a workspace. */
export interface Quota {
  /**
   * Counts the workspace when the last count is old, then writes; when it seems full, counts once more and tries again, because
   * others may have deleted something. `write` is called at once after a count, and reserves what it writes.
   */
  around<Result>(write: () => Result): Promise<Result>;
  /** Throws `GENIE_WORKSPACE_FULL` when `bytes` more would pass the limit. */
  reserve(bytes: number): void;
}

/** A count is good for so many writes: others write there too, but a walk for every write would be slow. */
const writesPerCount = 100;
/** And for so many times what it took: of a million files it takes seconds. */
const restsPerCount = 10;

/** Opens the workspace for each count and closes it again. */
export function createQuota(maxTotalBytes: number, open: () => ConfinedFolder): Quota {
  let used = 0;
  let writes = Number.POSITIVE_INFINITY;
  let restsUntil = 0;
  let counting: Promise<void> | undefined;
  const count = async (): Promise<void> => {
    const startedAt = performance.now();
    const before = used;
    const folder = open();
    try {
      const counted = await usedBytes(folder, maxTotalBytes);
      // What was promised meanwhile may not be on the disk yet.
      used = counted + (used - before);
    } finally {
      folder.close();
    }
    writes = 0;
    restsUntil = performance.now() + restsPerCount * (performance.now() - startedAt);
  };
  const recount = (): Promise<void> => {
    counting ??= count().finally(() => {
      counting = undefined;
    });
    return counting;
  };
  return {
    async around(write) {
      if (writes >= writesPerCount && performance.now() >= restsUntil) await recount();
      try {
        return write();
      } catch (error) {
        if (!GenieError.isInstance(error) || error.code !== 'GENIE_WORKSPACE_FULL') throw error;
        await recount();
        return write();
      }
    },
    reserve(bytes) {
      if (used + bytes > maxTotalBytes) {
        throw new GenieError(
          'GENIE_WORKSPACE_FULL',
          `The workspace holds ${used} bytes and may hold ${maxTotalBytes}; ${bytes} more do not fit: delete something first.`,
        );
      }
      used += bytes;
      writes += 1;
    },
  };
}

const maxFolders = 20_000;

/** Stops counting as soon as the limit is passed, and gives other work its turns. A workspace of more folders than are walked counts as full. */
async function usedBytes(folder: ConfinedFolder, enough: number): Promise<number> {
  let total = 0;
  const open = [''];
  for (let folders = 0; open.length > 0; folders += 1) {
    if (folders === maxFolders) return enough;
    const path = open.pop() ?? '';
    for (const entry of await entriesOf(folder, path)) {
      if (entry.kind === 'folder') open.push(path === '' ? entry.name : `${path}/${entry.name}`);
      else if (entry.kind === 'file') total += entry.sizeBytes;
    }
    if (total > enough) return total;
  }
  return total;
}

async function entriesOf(folder: ConfinedFolder, path: string): Promise<readonly FolderEntry[]> {
  try {
    return (await folder.listInTurns(path)).entries;
  } catch (error) {
    // It vanished, or became a link, since its parent was read.
    if (GenieError.isInstance(error)) return [];
    throw error;
  }
}
