import { defineTool, type Tool, type ToolContext } from '@genie/core';
import { z } from 'zod';
import { clip } from '../clip.ts';
import { shortHash } from '../short-hash.ts';
import { type SourceItem, type SourceOutput, sourceOutput } from '../sources/source-output.ts';
import { type Fetch, fetchResource } from './fetch-resource.ts';
import { htmlToText } from './html-to-text.ts';
import { type FeedEntry, parseFeed } from './parse-feed.ts';
import { createResourceCache, type ResourceCache } from './resource-cache.ts';

const input = z.object({
  url: z.string().describe('Address of an RSS, Atom or JSON feed'),
  since: z.string().optional().describe('Cursor of an earlier call: only entries it has not seen'),
  limit: z.number().int().min(1).max(64).default(50),
});

/** A feed is a window; entries beyond the newest 64 are never looked at, so a cursor can name all that were seen. */
const windowSize = 64;
const accept =
  'application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8';
const isFeed = (type: string) => type === '' || /xml|json|rss|atom|text\/(plain|html)|octet-stream/.test(type);

/**
 * The tool `read_feed`: entries of a feed, newest first. The cursor names the entries seen (a short hash each), so an
 * entry with an old date that appears late is still new.
 * Errors by code: those of {@link fetchResource}, of the egress filter, and `GENIE_FEED_INVALID`.
 */
export function readFeed(): Tool {
  const cache = createResourceCache();
  return defineTool({
    name: 'read_feed',
    description: 'Reads an RSS, Atom or JSON feed, newest entries first. Give "since" to get only new ones.',
    input,
    output: sourceOutput,
    effect: 'read',
    permissions: ['net:*'],
    timeoutMs: 30_000,
    run: (request, context) => readEntries(request, context, cache),
  }) as Tool;
}

async function readEntries(
  request: z.infer<typeof input>,
  { fetch, signal }: Pick<ToolContext, 'fetch' | 'signal'>,
  cache: ResourceCache,
): Promise<SourceOutput> {
  const entries = await loadFeed(request.url, { fetch, signal, cache });
  const seen = parseCursor(request.since);
  const fresh = entries.filter((entry) => !seen.has(mark(entry)));
  return {
    source: { kind: 'feed', location: request.url },
    cursor: entries.map(mark).join('') || '-',
    items: fresh.slice(0, request.limit).map(entryToItem),
    ...(fresh.length > request.limit ? { truncated: true } : {}),
  };
}

/** The newest entries of a feed, newest first; in the feed's own order where there are no dates. */
export async function loadFeed(
  url: string,
  { fetch, signal, cache }: { readonly fetch: Fetch; readonly signal: AbortSignal; readonly cache?: ResourceCache },
): Promise<FeedEntry[]> {
  const resource = await fetchResource(url, fetch, { accept, accepts: isFeed, signal, ...(cache ? { cache } : {}) });
  const { entries } = parseFeed(resource.text, resource.url);
  const unique = [...new Map(entries.map((entry) => [entry.id, entry])).values()];
  return unique.sort((left, right) => (right.date ?? '').localeCompare(left.date ?? '')).slice(0, windowSize);
}

const markLength = 8;

function mark(entry: FeedEntry): string {
  return shortHash(entry.id, markLength);
}

/** A cursor of another form counts as none: the answer is then complete, only not new. */
function parseCursor(cursor: string | undefined): ReadonlySet<string> {
  return new Set(cursor?.match(/[0-9a-f]{8}/g) ?? []);
}

function entryToItem(entry: FeedEntry): SourceItem {
  const text = clip(htmlToText(entry.html), 4000);
  return {
    id: entry.id,
    title: clip(htmlToText(entry.title), 300) || clip(text, 80),
    text,
    location: entry.url,
    ...(entry.date === undefined ? {} : { date: entry.date }),
    ...(entry.author === undefined ? {} : { author: entry.author }),
  };
}
