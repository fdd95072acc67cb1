import { realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { GenieError } from '@genie/core/errors';
import { type ConfinedFolder, openConfinedFolder } from './confined-folder.ts';

export interface RootsOptions {
  /** Absolute folders that may be read. */
  readonly roots: readonly string[];
  /** The genie's own folder: relative paths start here. */
  readonly workspace?: string;
}

/** A path that was asked for, placed under one of the roots. */
export interface PlacedPath {
  /** Absolute, under the real path of its root. Links in it were not looked up. */
  readonly path: string;
  readonly root: string;
  /** Relative to the root, `''` for the root itself. */
  readonly inner: string;
  readonly isWorkspace: boolean;
}

/** The folders a genie may read. Placing a path looks at names only; {@link openConfinedFolder} guards the access. */
export interface Roots {
  readonly paths: readonly string[];
  /** Throws `GENIE_PATH_OUTSIDE`. */
  resolve(path: string): PlacedPath;
  /** True when a real path lies in a root. */
  allows(realPath: string): boolean;
  /** Opens the root of a placed path; the caller closes it. */
  open(place: PlacedPath): ConfinedFolder;
}

interface Root {
  readonly spelled: string;
  readonly isWorkspace: boolean;
}

/** Throws `GENIE_OPTIONS_INVALID` for a root that is not absolute. A root need not exist yet. */
export function createRoots(options: RootsOptions): Roots {
  const roots: Root[] = options.roots.map((spelled) => ({ spelled, isWorkspace: false }));
  if (options.workspace !== undefined) roots.unshift({ spelled: options.workspace, isWorkspace: true });
  for (const { spelled } of roots) {
    if (!isAbsolute(spelled))
      throw new GenieError(
        'GENIE_OPTIONS_INVALID',
        `The root ${JSON.stringify(spelled)} is not an absolute path: resolve it first.`,
      );
  }
  return {
    paths: roots.map((root) => root.spelled),
    resolve: (path) => place(path, roots, options.workspace),
    allows: (path) => roots.some((root) => below(realOr(root.spelled), path) !== undefined),
    open: (found) => openConfinedFolder(found.root, { refuseHardLinks: found.isWorkspace }),
  };
}

function place(path: string, roots: readonly Root[], workspace: string | undefined): PlacedPath {
  if (path.includes('\0')) throw new GenieError('GENIE_PATH_INVALID', 'A path may not hold a NUL byte.');
  const absolute = isAbsolute(path) ? resolve(path) : resolve(workspace ?? roots[0]?.spelled ?? sep, path);
  const found: PlacedPath[] = [];
  for (const root of roots) {
    const real = realOr(root.spelled);
    const inner = below(resolve(root.spelled), absolute) ?? below(real, absolute);
    if (inner !== undefined)
      found.push({ path: resolve(real, inner), root: real, inner, isWorkspace: root.isWorkspace });
  }
  // The innermost root wins, the workspace on a tie: its rules are stricter.
  const best = found.sort((left, right) => right.root.length - left.root.length)[0];
  if (best) return best;
  throw new GenieError(
    'GENIE_PATH_OUTSIDE',
    `The path ${JSON.stringify(path.slice(0, 200))} is outside of what this genie may read (${roots.map((root) => root.spelled).join(', ') || 'nothing'}): add its folder as a source first.`,
  );
}

function below(root: string, path: string): string | undefined {
  const inner = relative(root, path);
  if (inner === '..' || inner.startsWith(`..${sep}`) || isAbsolute(inner)) return undefined;
  return inner;
}

function realOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
