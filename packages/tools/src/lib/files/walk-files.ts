import { setImmediate as nextTurn } from 'node:timers/promises';
import { GenieError } from '@genie/core/errors';
import type { ConfinedFolder } from '../confine/confined-folder.ts';
import type { FolderEntry } from '../confine/list-folder.ts';

export interface FoundFile extends FolderEntry {
  /** Relative to the confined folder, `/`-separated. */
  readonly path: string;
}

export interface WalkOptions {
  /** Folder to start in. Default the confined folder itself. */
  readonly start?: string;
  /** Stop after that many entries of any kind. Default 100,000. */
  readonly maxEntries?: number;
  /** Names of folders that are not entered. Default `.git`, `node_modules` and the like. */
  readonly skip?: ReadonlySet<string>;
  /** Also tell of folders, links and special files. Default false. */
  readonly everything?: boolean;
}

/** Folders of tools: their content is somebody else's, or derived. */
export const skippedFolders: ReadonlySet<string> = new Set([
  '.git',
  '.hg',
  '.svn',
  'node_modules',
  '.venv',
  '__pycache__',
  '.cache',
  '.pnpm-store',
]);

/**
 * Yields the files below a confined folder in path order. Links are never followed, so there are no loops. Gives other
 * work a turn between folders. Returns true when `maxEntries` cut it short.
 */
export async function* walkFiles(
  folder: ConfinedFolder,
  signal: AbortSignal,
  options: WalkOptions = {},
): AsyncGenerator<FoundFile, boolean> {
  const { maxEntries = 100_000, skip = skippedFolders, everything = false } = options;
  const start = (options.start ?? '')
    .split(/[\\/]/)
    .filter((name) => name !== '' && name !== '.')
    .join('/');
  const open = [start];
  let seen = 0;
  let folders = 0;
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    signal.throwIfAborted();
    if (++folders % 16 === 0) await nextTurn();
    const listing = await listOrSkip(folder, path, maxEntries - seen, path === start);
    if (!listing) continue;
    seen += listing.entries.length;
    const below: string[] = [];
    for (const entry of listing.entries) {
      const found = { ...entry, path: path === '' ? entry.name : `${path}/${entry.name}` };
      if (everything || entry.kind === 'file') yield found;
      if (entry.kind === 'folder' && !skip.has(entry.name)) below.push(found.path);
    }
    open.push(...below.reverse());
    if (listing.truncated || seen >= maxEntries) return listing.truncated || open.length > 0;
  }
  return false;
}

/** A folder that vanished, may not be read or became a link while walking is passed over; the first one has to be there. */
async function listOrSkip(folder: ConfinedFolder, path: string, maxEntries: number, isStart: boolean) {
  try {
    return await folder.listInTurns(path, { maxEntries });
  } catch (error) {
    if (isStart || !GenieError.isInstance(error)) throw error;
    return undefined;
  }
}
