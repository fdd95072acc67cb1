import { realpath, stat } from 'node:fs/promises';
import { GenieError } from '@genie/core/errors';
import { type GitOptions, runGit } from './run-git.ts';

export interface Repository {
  /** Real path of the folder that was named. */
  readonly path: string;
  /** Undefined while nothing was committed. */
  readonly head: string | undefined;
}

/**
 * Looks whether a folder is a git repository of its own and where its HEAD is.
 * Throws `GENIE_NOT_A_REPOSITORY` and, when `isAllowed` refuses the folder that holds the objects (a `.git` file can
 * point anywhere), `GENIE_PATH_OUTSIDE`.
 */
export async function readRepository(
  location: string,
  signal: AbortSignal,
  options: GitOptions & { readonly isAllowed?: (path: string) => boolean } = {},
): Promise<Repository> {
  const path = await realFolder(location);
  const found = await runGit(
    path,
    ['rev-parse', '--path-format=absolute', '--git-dir', '--git-common-dir'],
    signal,
    options,
  );
  const folders = found.stdout.split('\n').filter((line) => line !== '');
  if (found.exitCode !== 0 || folders.length < 2) throw notARepository(location, found.stderr);
  for (const folder of folders) {
    const real = await realpath(folder).catch(() => folder);
    if (options.isAllowed && !options.isAllowed(real)) {
      throw new GenieError(
        'GENIE_PATH_OUTSIDE',
        `The repository ${location} keeps its data in ${real}, which is outside of the allowed roots: add that folder to the roots.`,
      );
    }
  }
  const head = await runGit(path, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], signal, options);
  return { path, head: head.exitCode === 0 ? head.stdout.trim() : undefined };
}

async function realFolder(location: string): Promise<string> {
  try {
    const path = await realpath(location);
    if ((await stat(path)).isDirectory()) return path;
  } catch (error) {
    throw notARepository(location, (error as Error).message);
  }
  throw notARepository(location, 'it is not a folder');
}

function notARepository(location: string, reason: string): GenieError {
  return new GenieError(
    'GENIE_NOT_A_REPOSITORY',
    `${location} is not a readable git repository (${reason || 'no .git folder'}): pass the top folder of a checkout, or run "git init" there.`,
  );
}
