import { GenieError } from '@genie/core/errors';
import { clip } from '../clip.ts';
import type { ConfinedFolder } from '../confine/confined-folder.ts';
import { findCandidates } from './find-candidates.ts';
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

/**
 * Exact text, not a pattern: a pattern could be made to run for ever. Binary files are passed over. Where ripgrep is installed
 * it narrows down which files are read.
 */
export async function searchText(
  folder: ConfinedFolder,
  request: SearchRequest,
  signal: AbortSignal,
): Promise<SearchResult> {
  const candidates = await findCandidates(folder, request, signal);
  signal.throwIfAborted();
  const matches: SearchMatch[] = [];
  let filesSearched = 0;
  const paths = candidates ? candidates.paths : pathsOf(walkFiles(folder, signal, { start: request.start }));
  for await (const path of paths) {
    signal.throwIfAborted();
    const bytes = readOrSkip(folder, path);
    if (!bytes) continue;
    filesSearched += 1;
    if (isBinary(bytes)) continue;
    if (addMatches(matches, { path, bytes, request }))
      return { matches, filesSearched: candidates?.filesSearched ?? filesSearched, truncated: true };
  }
  return {
    matches,
    filesSearched: candidates?.filesSearched ?? filesSearched,
    ...(candidates?.truncated ? { truncated: true } : {}),
  };
}

async function* pathsOf(files: ReturnType<typeof walkFiles>): AsyncGenerator<string> {
  for await (const { path } of files) yield path;
}

interface SearchedFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly request: SearchRequest;
}

/** True when there was one more match than may be told. */
function addMatches(matches: SearchMatch[], { path, bytes, request }: SearchedFile): boolean {
  const fold = (text: string) => (request.ignoreCase ? text.toLowerCase() : text);
  const wanted = fold(request.text);
  const content = decodeText(bytes);
  if (!fold(content).includes(wanted)) return false;
  for (const [index, line] of content.split('\n').entries()) {
    if (!fold(line).includes(wanted)) continue;
    if (matches.length === request.limit) return true;
    matches.push({ path, line: index + 1, text: clip(line.trim(), 400) });
  }
  return false;
}

function readOrSkip(folder: ConfinedFolder, path: string): Buffer | undefined {
  try {
    return readStart(folder, path, maxFileBytes);
  } catch (error) {
    if (GenieError.isInstance(error)) return undefined;
    throw error;
  }
}
