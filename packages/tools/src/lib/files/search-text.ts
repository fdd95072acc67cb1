import { GenieError } from '@genie/core/errors';
import { clip } from '../clip.ts';
import type { ConfinedFolder } from '../confine/confined-folder.ts';
import { decodeText, isBinary, readStart } from './read-text.ts';
import { walkFiles } from './walk-files.ts';

export interface SearchRequest {
  readonly start: string;
  readonly text: string;
  readonly ignoreCase: boolean;
  readonly limit: number;
}

export interface SearchMatch {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

export interface SearchResult {
  readonly matches: readonly SearchMatch[];
  readonly filesSearched: number;
  readonly truncated?: boolean;
}

/** Files over this size are looked through up to it. */
const maxFileBytes = 4 * 1024 * 1024;

/** Exact text, not a pattern: a pattern could be made to run for ever. Binary files are passed over. */
export async function searchText(
  folder: ConfinedFolder,
  request: SearchRequest,
  signal: AbortSignal,
): Promise<SearchResult> {
  const fold = (text: string) => (request.ignoreCase ? text.toLowerCase() : text);
  const wanted = fold(request.text);
  const matches: SearchMatch[] = [];
  let filesSearched = 0;
  for await (const file of walkFiles(folder, signal, { start: request.start })) {
    const bytes = readOrSkip(folder, file.path);
    if (!bytes || isBinary(bytes)) continue;
    filesSearched += 1;
    const content = decodeText(bytes);
    if (!fold(content).includes(wanted)) continue;
    for (const [index, line] of content.split('\n').entries()) {
      if (!fold(line).includes(wanted)) continue;
      if (matches.length === request.limit) return { matches, filesSearched, truncated: true };
      matches.push({ path: file.path, line: index + 1, text: clip(line.trim(), 400) });
    }
  }
  return { matches, filesSearched };
}

function readOrSkip(folder: ConfinedFolder, path: string): Buffer | undefined {
  try {
    return readStart(folder, path, maxFileBytes);
  } catch (error) {
    if (GenieError.isInstance(error)) return undefined;
    throw error;
  }
}
