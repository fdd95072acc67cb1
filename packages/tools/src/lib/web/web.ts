import type { Tool } from '@genie/core';
import { type FetchPageOptions, fetchPage } from './fetch-page.ts';
import { readFeed } from './read-feed.ts';
import { readSitemap } from './read-sitemap.ts';

/** The tools `fetch_page`, `read_feed` and `read_sitemap`, for a genie without other sources. Everything goes through the call's own `fetch`. */
export function web(options: FetchPageOptions = {}): readonly Tool[] {
  return [fetchPage(options), readFeed(), readSitemap()];
}
