import type { Tool } from '@genie/core';
import { createRoots } from '../confine/roots.ts';
import { fileReadTools } from '../files/file-tools.ts';
import { readFolder } from '../files/read-folder.ts';
import { gitLog } from '../git/git-log.ts';
import type { GitOptions } from '../git/run-git.ts';
import { fetchPage } from '../web/fetch-page.ts';
import { readFeed } from '../web/read-feed.ts';
import { readSitemap } from '../web/read-sitemap.ts';

export interface SourceToolsOptions {
  /** Absolute folders that may be read: the folders and repositories that are the genie's sources. */
  readonly roots: readonly string[];
  /** The genie's own folder: may be read too, and relative paths start there. */
  readonly workspace?: string;
  readonly git?: GitOptions;
  /** Honour robots.txt when pages are read. Default true. */
  readonly robots?: boolean;
  /** Epoch ms. Default the system clock. */
  readonly now?: () => number;
}

/**
 * The tools a genie reads its sources with: `git_log`, `read_folder`, `read_feed`, `read_sitemap`, `fetch_page`, `read_file`,
 * `list_files`, `search_files`. All have the effect `read`. Local paths are confined to the roots, the web goes through
 * the egress filter of the call. Throws `GENIE_OPTIONS_INVALID` for a root that is not absolute.
 */
export function createSourceTools(options: SourceToolsOptions): readonly Tool[] {
  const roots = createRoots(options);
  return [
    gitLog(roots, options.git),
    readFolder(roots, options.now ?? Date.now),
    readFeed(),
    readSitemap(),
    fetchPage({ now: options.now ?? Date.now, ...(options.robots === undefined ? {} : { robots: options.robots }) }),
    ...fileReadTools(roots),
  ];
}
