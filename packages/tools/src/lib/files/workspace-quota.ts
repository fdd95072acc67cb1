import { GenieError } from '@genie/core/errors';
import type { ConfinedFolder } from '../confine/confined-folder.ts';
import type { FolderEntry } from '../confine/list-folder.ts';

/** How much may still be written to a workspace. */
export interface Quota {
  /** Throws `GENIE_WORKSPACE_FULL` when `bytes` more would pass the limit. */
  reserve(folder: ConfinedFolder, bytes: number): void;
}

/** A count is good for so many writes: others write there too, but a walk for every write would be slow. */
const writesPerCount = 100;

/** Counts the workspace on the first write, then adds up, and counts again every 100 writes and whenever it seems full. */
export function createQuota(maxTotalBytes: number): Quota {
  let used = 0;
  let writesLeft = 0;
  const count = (folder: ConfinedFolder) => {
    used = usedBytes(folder, maxTotalBytes);
    writesLeft = writesPerCount;
  };
  return {
    reserve(folder, bytes) {
      if (writesLeft === 0) count(folder);
      if (used + bytes > maxTotalBytes) count(folder);
      if (used + bytes > maxTotalBytes) {
        throw new GenieError(
          'GENIE_WORKSPACE_FULL',
          `The workspace holds ${used} bytes and may hold ${maxTotalBytes}; ${bytes} more do not fit: delete something first.`,
        );
      }
      used += bytes;
      writesLeft -= 1;
    },
  };
}

const maxFolders = 20_000;

/** Stops counting as soon as the limit is passed. A workspace of more folders than are walked counts as full. */
function usedBytes(folder: ConfinedFolder, enough: number): number {
  let total = 0;
  const open = [''];
  for (let folders = 0; open.length > 0; folders += 1) {
    if (folders === maxFolders) return enough;
    const path = open.pop() ?? '';
    for (const entry of entriesOf(folder, path)) {
      if (entry.kind === 'folder') open.push(path === '' ? entry.name : `${path}/${entry.name}`);
      else if (entry.kind === 'file') total += entry.sizeBytes;
    }
    if (total > enough) return total;
  }
  return total;
}

function entriesOf(folder: ConfinedFolder, path: string): readonly FolderEntry[] {
  try {
    return folder.list(path).entries;
  } catch (error) {
    // It vanished, or became a link, since its parent was read.
    if (GenieError.isInstance(error)) return [];
    throw error;
  }
}
