import { defineTool, GenieError, type Tool } from '@genie/core';
import { z } from 'zod';
import { clip } from '../clip.ts';
import type { ConfinedFolder } from '../confine/confined-folder.ts';
import type { PlacedPath, Roots } from '../confine/roots.ts';
import { shortHash } from '../short-hash.ts';
import { type SourceItem, type SourceOutput, sourceOutput } from '../sources/source-output.ts';
import { decodeText, isBinary, readStart } from './read-text.ts';
import { type FoundFile, walkFiles } from './walk-files.ts';

const input = z.object({
  path: z.string().describe('Folder to read'),
  since: z.string().optional().describe('Cursor of an earlier call: only files changed after it'),
  limit: z.number().int().min(1).max(500).default(50),
});

const maxFileBytes = 1024 * 1024;
/** Stamps of most file systems advance in steps of up to 10 ms; a change within the last step may still come. */
const settleMs = 20;

/**
 * The tool `read_folder`: text files of a folder that changed since the cursor, newest first. The cursor is the newest
 * change time seen (ctime, which nobody can set back). Deleted files are not told of.
 * Errors by code: `GENIE_PATH_OUTSIDE`, `GENIE_FILE_MISSING`, `GENIE_FOLDER_CURSOR`.
 */
export function readFolder(roots: Roots, now: () => number): Tool {
  return defineTool({
    name: 'read_folder',
    description:
      'Reads the text files of a folder, newest first. Give "since" to get only those changed after an earlier call.',
    input,
    output: sourceOutput,
    effect: 'read',
    permissions: ['fs:read'],
    timeoutMs: 60_000,
    run: async (request, context) => {
      const place = roots.resolve(request.path);
      const folder = roots.open(place);
      try {
        return await readChanged(request, { place, folder, now, signal: context.signal });
      } finally {
        folder.close();
      }
    },
  }) as Tool;
}

interface Deps {
  readonly place: PlacedPath;
  readonly folder: ConfinedFolder;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

async function readChanged(request: z.infer<typeof input>, deps: Deps): Promise<SourceOutput> {
  const since = parseCursor(request.since);
  const startedAt = deps.now();
  let newest = since;
  let cut = false;
  const changed: FoundFile[] = [];
  const walk = walkFiles(deps.folder, deps.signal, { start: deps.place.inner });
  for (let step = await walk.next(); ; step = await walk.next()) {
    if (step.done) {
      cut = step.value;
      break;
    }
    newest = Math.max(newest, step.value.changedAt);
    if (step.value.changedAt > since) changed.push(step.value);
  }
  changed.sort((left, right) => right.changedAt - left.changedAt || (left.path < right.path ? -1 : 1));
  const { items, more } = readItems(changed, request.limit, deps);
  return {
    source: { kind: 'folder', location: request.path },
    cursor: `t${Math.max(0, Math.min(newest, startedAt - settleMs))}`,
    items,
    ...(more || cut ? { truncated: true } : {}),
    ...(cut ? { note: 'The folder holds more files than are looked through at once.' } : {}),
  };
}

function readItems(changed: readonly FoundFile[], limit: number, deps: Deps): { items: SourceItem[]; more: boolean } {
  const items: SourceItem[] = [];
  for (const file of changed) {
    deps.signal.throwIfAborted();
    const item = readItem(file, deps);
    if (!item) continue;
    if (items.length === limit) return { items, more: true };
    items.push(item);
  }
  return { items, more: false };
}

function readItem(file: FoundFile, { folder, place }: Deps): SourceItem | undefined {
  let bytes: Buffer;
  try {
    bytes = readStart(folder, file.path, maxFileBytes);
  } catch (error) {
    // It vanished or was replaced by something else since it was listed.
    if (GenieError.isInstance(error)) return undefined;
    throw error;
  }
  if (isBinary(bytes)) return undefined;
  const text = decodeText(bytes);
  const shownPath = place.inner === '' ? file.path : file.path.slice(place.inner.length + 1);
  return {
    id: `${shownPath}#${shortHash(bytes, 12)}`,
    title: titleOf(text) ?? shownPath,
    text: clip(text, 4000),
    date: new Date(file.modifiedAt).toISOString(),
    location: `${place.path}/${shownPath}`,
  };
}

/** The first Markdown heading near the top. */
function titleOf(text: string): string | undefined {
  const match = /^#{1,2}[ \t]+(\S[^\n]*)$/m.exec(text.slice(0, 1000));
  return match?.[1] === undefined ? undefined : clip(match[1].trim(), 200);
}

function parseCursor(cursor: string | undefined): number {
  if (cursor === undefined || cursor === '') return Number.NEGATIVE_INFINITY;
  const value = /^t\d{1,16}(?:\.\d{1,10})?$/.test(cursor) ? Number(cursor.slice(1)) : Number.NaN;
  if (Number.isNaN(value)) {
    throw new GenieError(
      'GENIE_FOLDER_CURSOR',
      `The cursor ${JSON.stringify(clip(cursor, 80))} is not one of read_folder: pass the "cursor" of an earlier result, or leave "since" out.`,
    );
  }
  return value;
}
