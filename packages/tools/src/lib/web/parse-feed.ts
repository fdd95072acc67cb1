import { parseJson } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { XMLParser } from 'fast-xml-parser';
import { toIsoDate } from './page-to-markdown.ts';

export interface FeedEntry {
  readonly id: string;
  readonly title: string;
  /** As the feed has it: HTML or text. */
  readonly html: string;
  readonly url: string;
  /** ISO 8601. */
  readonly date?: string;
  readonly author?: string;
}

export interface Feed {
  readonly title: string;
  readonly entries: readonly FeedEntry[];
}

type Node = Readonly<Record<string, unknown>>;

/**
 * Reads RSS 0.9 to 2.0, RDF, Atom (RFC 4287) and JSON Feed (https://jsonfeed.org/version/1.1).
 * Throws `GENIE_FEED_INVALID` when it is none of them.
 */
export function parseFeed(text: string, url: string): Feed {
  const start = text.trimStart();
  const feed = start.startsWith('{') ? parseJsonFeed(start, url) : parseXmlFeed(start, url);
  if (!feed)
    throw new GenieError(
      'GENIE_FEED_INVALID',
      `${url} is neither RSS, Atom nor JSON Feed: pass the address of the feed itself.`,
    );
  return feed;
}

function parseJsonFeed(text: string, url: string): Feed | undefined {
  let root: Node;
  try {
    root = asNode(parseJson(text));
  } catch (error) {
    throw new GenieError('GENIE_FEED_INVALID', `${url} is not readable as JSON: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  if (!Array.isArray(root.items)) return undefined;
  const entries = root.items.map((value: unknown) => {
    const item = asNode(value);
    const author = asNode(asList(item.authors)[0] ?? item.author);
    return entry(url, {
      id: textOf(item.id),
      title: textOf(item.title),
      html: textOf(item.content_html) || textOf(item.content_text) || textOf(item.summary),
      link: textOf(item.url) || textOf(item.external_url),
      date: textOf(item.date_modified) || textOf(item.date_published),
      author: textOf(author.name),
    });
  });
  return { title: textOf(root.title) || url, entries };
}

const parser = {
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: true,
  htmlEntities: true,
  processEntities: { enabled: true, maxTotalExpansions: 200_000, maxExpandedLength: 20_000_000, maxEntityCount: 20 },
  // Content of these is markup that belongs to the entry, not to the feed.
  stopNodes: ['..div'],
} as const;

function parseXmlFeed(text: string, url: string): Feed | undefined {
  let root: Node;
  try {
    root = asNode(new XMLParser({ ...parser, stopNodes: [...parser.stopNodes] }).parse(text));
  } catch (error) {
    throw new GenieError('GENIE_FEED_INVALID', `${url} is not readable as XML: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  if (root.feed !== undefined) return atom(asNode(root.feed), url);
  const channelOwner = asNode(root.rss ?? root.RDF);
  if (root.rss === undefined && root.RDF === undefined) return undefined;
  const channel = asNode(asList(channelOwner.channel)[0]);
  const items = [...asList(channel.item), ...asList(channelOwner.item)];
  return { title: textOf(channel.title) || url, entries: items.map((item) => rssEntry(asNode(item), url)) };
}

function rssEntry(item: Node, url: string): FeedEntry {
  return entry(url, {
    id: textOf(item.guid) || textOf(item['@about']),
    title: textOf(item.title),
    html: textOf(item.encoded) || textOf(item.description) || textOf(item.summary),
    link:
      asList(item.link)
        .map(textOf)
        .find((link) => link !== '') ?? textOf(item.guid),
    date: textOf(item.pubDate) || textOf(item.date) || textOf(item.updated),
    author: textOf(item.creator) || textOf(item.author),
  });
}

function atom(feed: Node, url: string): Feed {
  const entries = asList(feed.entry).map((value) => {
    const item = asNode(value);
    const links = asList(item.link).map(asNode);
    const link = links.find((one) => (one['@rel'] ?? 'alternate') === 'alternate') ?? links[0];
    return entry(url, {
      id: textOf(item.id),
      title: textOf(item.title),
      html: textOf(item.content) || textOf(item.summary),
      link: textOf(link?.['@href']),
      date: textOf(item.updated) || textOf(item.published),
      author: textOf(asNode(asList(item.author)[0]).name),
    });
  });
  return { title: textOf(feed.title) || url, entries };
}

interface RawEntry {
  readonly id: string;
  readonly title: string;
  readonly html: string;
  readonly link: string;
  readonly date: string;
  readonly author: string;
}

function entry(base: string, raw: RawEntry): FeedEntry {
  const target = raw.link !== '' && URL.canParse(raw.link, base) ? new URL(raw.link, base) : undefined;
  const url = target && /^https?:$/.test(target.protocol) ? target.href : base;
  const date = toIsoDate(raw.date);
  return {
    id: raw.id || (target ? url : '') || `${raw.title} ${raw.date}`.trim(),
    title: raw.title,
    html: raw.html,
    url,
    ...(date === undefined ? {} : { date }),
    ...(raw.author === '' ? {} : { author: raw.author }),
  };
}

function asNode(value: unknown): Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : {};
}

function asList(value: unknown): readonly unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return textOf(value[0]);
  const node = asNode(value);
  return node['#text'] !== undefined ? textOf(node['#text']) : node.div !== undefined ? textOf(node.div) : '';
}
