import { defineTool, type Tool } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { z } from 'zod';
import { type ConfinedFolder, openConfinedFolder } from '../confine/confined-folder.ts';
import { createRoots } from '../confine/roots.ts';
import { deleteConfined, writeConfined } from '../confine/write-confined.ts';
import { editText } from './edit-text.ts';
import { fileReadTools } from './file-tools.ts';
import { readBytes } from './read-text.ts';
import { createQuota, type Quota } from './workspace-quota.ts';

export interface FilesOptions {
  /** Absolute. The only folder that is written to. */
  readonly workspace: string;
  /** More folders that may be read. */
  readonly roots?: readonly string[];
  /** Whether the reading tools are among them. Default true; false when {@link createSourceTools} brings them. */
  readonly read?: boolean;
  /** Most bytes of one file that is written. Default 32 MiB. */
  readonly maxFileBytes?: number;
  /** Most bytes of the workspace after a write. Default 1 GiB. */
  readonly maxTotalBytes?: number;
  /** Default `never`: the workspace is the genie's own. */
  readonly approval?: Tool['approval'];
}

/**
 * The tools `write_file`, `edit_file` and `delete_file`, confined to the workspace, and (unless `read: false`)
 * `read_file`, `list_files`, `find_files`, `search_files`. Paths are walked by descriptors, links are never followed,
 * writes are atomic. Errors by code: those of {@link ConfinedFolder}, `GENIE_EDIT_NOT_FOUND`, `GENIE_EDIT_AMBIGUOUS`,
 * `GENIE_FILE_TOO_LARGE`, `GENIE_WORKSPACE_FULL`. Throws `GENIE_OPTIONS_INVALID` for a workspace that is not absolute.
 */
export function files(options: FilesOptions): readonly Tool[] {
  const roots = createRoots({ roots: options.roots ?? [], workspace: options.workspace });
  const deps: Deps = {
    maxFileBytes: options.maxFileBytes ?? 32 * 1024 * 1024,
    quota: createQuota(options.maxTotalBytes ?? 1024 * 1024 * 1024, () => openConfinedFolder(options.workspace)),
    approval: options.approval ?? 'never',
    within<Result>(path: string, use: (folder: ConfinedFolder, inner: string) => Result): Result {
      const place = roots.resolve(path);
      if (!place.isWorkspace) {
        throw new GenieError(
          'GENIE_PATH_OUTSIDE',
          `${JSON.stringify(path.slice(0, 200))} is outside of the workspace: only ${options.workspace} is written to.`,
        );
      }
      const folder = openConfinedFolder(place.root);
      try {
        return use(folder, place.inner);
      } finally {
        folder.close();
      }
    },
  };
  return [...(options.read === false ? [] : fileReadTools(roots)), writeFile(deps), editFile(deps), deleteFile(deps)];
}

interface Deps {
  readonly maxFileBytes: number;
  readonly quota: Quota;
  readonly approval: Tool['approval'];
  within<Result>(path: string, use: (folder: ConfinedFolder, inner: string) => Result): Result;
}

const common = { permissions: ['fs:write'], timeoutMs: 60_000 } as const;

/** `write_file` { path, text }: creates or replaces a file, whole or not at all. */
function writeFile(deps: Deps): Tool {
  return defineTool({
    ...common,
    approval: deps.approval,
    name: 'write_file',
    description: 'Creates or replaces a text file in the workspace. Missing folders are made.',
    effect: 'idempotent',
    input: z.object({ path: z.string().min(1), text: z.string() }),
    run: ({ path, text }) =>
      deps.quota.around(() =>
        deps.within(path, (folder, inner) => {
          const content = Buffer.from(text, 'utf8');
          checkSize(content, path, deps);
          writeConfined(folder, inner, content);
          return { path: inner, sizeBytes: content.length };
        }),
      ),
  }) as Tool;
}

/** `edit_file` { path, find, replace, all? }: replaces an exact piece of text. */
function editFile(deps: Deps): Tool {
  return defineTool({
    ...common,
    approval: deps.approval,
    name: 'edit_file',
    description:
      'Replaces an exact piece of text in a file of the workspace. The piece has to occur once, unless "all" is true.',
    effect: 'once',
    input: z.object({
      path: z.string().min(1),
      find: z.string().min(1),
      replace: z.string(),
      all: z.boolean().default(false),
    }),
    run: (request) =>
      deps.quota.around(() =>
        deps.within(request.path, (folder, inner) => {
          const edited = editText(readWhole(folder, inner, deps.maxFileBytes), request);
          const content = Buffer.from(edited.text, 'utf8');
          checkSize(content, request.path, deps);
          writeConfined(folder, inner, content);
          return { path: inner, replaced: edited.replaced, sizeBytes: content.length };
        }),
      ),
  }) as Tool;
}

/** `delete_file` { path }. */
function deleteFile(deps: Deps): Tool {
  return defineTool({
    ...common,
    approval: deps.approval,
    name: 'delete_file',
    description: 'Deletes one file of the workspace.',
    effect: 'once',
    input: z.object({ path: z.string().min(1) }),
    run: ({ path }) =>
      deps.within(path, (folder, inner) => {
        deleteConfined(folder, inner);
        return { path: inner, deleted: true };
      }),
  }) as Tool;
}

function readWhole(folder: ConfinedFolder, inner: string, maxBytes: number): string {
  const file = folder.openFile(inner);
  try {
    if (file.stats.size > maxBytes) throw tooLarge(inner, file.stats.size, maxBytes);
    try {
      // An edit writes everything back, so bytes that are no UTF-8 must not be lost on the way.
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readBytes(file, 0, maxBytes));
    } catch (error) {
      throw new GenieError('GENIE_FILE_BINARY', `${JSON.stringify(inner)} is not UTF-8 text: it is not edited.`, {
        cause: error,
      });
    }
  } finally {
    file.close();
  }
}

function checkSize(content: Buffer, path: string, deps: Deps): void {
  if (content.length > deps.maxFileBytes) throw tooLarge(path, content.length, deps.maxFileBytes);
  deps.quota.reserve(content.length);
}

function tooLarge(path: string, size: number, allowed: number): GenieError {
  return new GenieError(
    'GENIE_FILE_TOO_LARGE',
    `${JSON.stringify(path)} has ${size} bytes, more than the ${allowed} allowed: split it.`,
  );
}
