import { defineTool, type Tool } from '@genie/core';
import { z } from 'zod';
import type { ConfinedFolder } from '../confine/confined-folder.ts';
import type { PlacedPath, Roots } from '../confine/roots.ts';
import { globToTest } from './glob-to-test.ts';
import { expectText, readBytes } from './read-text.ts';
import { searchText } from './search-text.ts';
import { walkFiles } from './walk-files.ts';

/** `read_file`, `list_files`, `find_files` and `search_files` over the roots. All read only. */
export function fileReadTools(roots: Roots): readonly Tool[] {
  return [readFile(roots), listFiles(roots), findFiles(roots), searchFiles(roots)];
}

const common = { effect: 'read', permissions: ['fs:read'], timeoutMs: 60_000 } as const;

/** `read_file` { path, offset?, limit? }: lines `offset` to `offset + limit` of a text file. */
function readFile(roots: Roots): Tool {
  return defineTool({
    ...common,
    name: 'read_file',
    description: 'Reads a text file, or a range of its lines. Lines are counted from 1.',
    input: z.object({
      path: z.string(),
      offset: z.number().int().min(1).default(1).describe('First line'),
      limit: z.number().int().min(1).max(5000).default(1000).describe('Number of lines'),
    }),
    run: (request) =>
      inRoot(roots, request.path, (folder, place) => {
        const file = folder.openFile(place.inner);
        try {
          const bytes = readBytes(file, 0, maxReadBytes);
          const lines = expectText(bytes, request.path).split('\n');
          const shown = lines.slice(request.offset - 1, request.offset - 1 + request.limit);
          const more = file.stats.size > bytes.length || request.offset - 1 + request.limit < lines.length;
          return {
            path: place.path,
            text: shown.join('\n'),
            offset: request.offset,
            lines: shown.length,
            sizeBytes: file.stats.size,
            ...(more ? { truncated: true } : {}),
          };
        } finally {
          file.close();
        }
      }),
  }) as Tool;
}

const maxReadBytes = 8 * 1024 * 1024;

/** `list_files` { path, recursive?, limit? }. */
function listFiles(roots: Roots): Tool {
  return defineTool({
    ...common,
    name: 'list_files',
    description: 'Lists the entries of a folder with kind, size and date.',
    input: z.object({
      path: z.string(),
      recursive: z.boolean().default(false),
      limit: z.number().int().min(1).max(10_000).default(500),
    }),
    run: (request, context) =>
      inRoot(roots, request.path, async (folder, place) => {
        const found = request.recursive
          ? await collect(walkFiles(folder, context.signal, { start: place.inner, everything: true }), request.limit)
          : folder.list(place.inner, { maxEntries: request.limit });
        const entries = found.entries.map((entry) => ({
          path: 'path' in entry ? (entry.path as string) : entry.name,
          kind: entry.kind,
          sizeBytes: entry.sizeBytes,
          date: new Date(entry.modifiedAt).toISOString(),
        }));
        return { path: place.path, entries, ...(found.truncated ? { truncated: true } : {}) };
      }),
  }) as Tool;
}

/** `find_files` { path, pattern, limit? }: paths that match a glob pattern. */
function findFiles(roots: Roots): Tool {
  return defineTool({
    ...common,
    name: 'find_files',
    description:
      'Finds files by a pattern of their path: "*" and "?" within a name, "**" across folders, "{a,b}" for either.',
    input: z.object({
      path: z.string().default('.'),
      pattern: z.string().min(1),
      limit: z.number().int().min(1).max(10_000).default(500),
    }),
    run: (request, context) =>
      inRoot(roots, request.path, async (folder, place) => {
        const matches = globToTest(request.pattern);
        const start = place.inner === '' ? 0 : place.inner.length + 1;
        const found: string[] = [];
        for await (const file of walkFiles(folder, context.signal, { start: place.inner })) {
          const path = file.path.slice(start);
          if (!matches(path)) continue;
          if (found.length === request.limit) return { path: place.path, files: found, truncated: true };
          found.push(path);
        }
        return { path: place.path, files: found };
      }),
  }) as Tool;
}

/** `search_files` { path, text, ignoreCase?, limit? }: lines that hold a text. */
function searchFiles(roots: Roots): Tool {
  return defineTool({
    ...common,
    name: 'search_files',
    description: 'Finds the lines of text files that hold an exact text.',
    input: z.object({
      path: z.string(),
      text: z.string().min(1).max(1000),
      ignoreCase: z.boolean().default(true),
      limit: z.number().int().min(1).max(1000).default(100),
    }),
    run: (request, context) =>
      inRoot(roots, request.path, (folder, place) =>
        searchText(folder, { ...request, start: place.inner }, context.signal),
      ),
  }) as Tool;
}

async function inRoot<Result>(
  roots: Roots,
  path: string,
  use: (folder: ConfinedFolder, place: PlacedPath) => Result | Promise<Result>,
): Promise<Result> {
  const place = roots.resolve(path);
  const folder = roots.open(place);
  try {
    return await use(folder, place);
  } finally {
    folder.close();
  }
}

async function collect<Item>(
  items: AsyncGenerator<Item, boolean>,
  limit: number,
): Promise<{ entries: Item[]; truncated: boolean }> {
  const entries: Item[] = [];
  for (let step = await items.next(); ; step = await items.next()) {
    if (step.done) return { entries, truncated: step.value };
    if (entries.length === limit) return { entries, truncated: true };
    entries.push(step.value);
  }
}
