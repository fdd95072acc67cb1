import { XMLParser } from 'fast-xml-parser';
import { toIsoDate } from './page-to-markdown.ts';

export interface SitemapEntry {
  readonly url: string;
  /** ISO 8601, when the page changed last by the site's own word. */
  readonly date?: string;
}

export interface Sitemap {
  readonly pages: readonly SitemapEntry[];
  /** Other sitemaps that this one is an index of. */
  readonly sitemaps: readonly SitemapEntry[];
}

/** The protocol allows 50,000 entries a file. */
const maxEntries = 50_000;

/** Reads a sitemap, an index of sitemaps, or a list of addresses (https://www.sitemaps.org/protocol.html). Undefined for anything else. */
export function parseSitemap(text: string, base: string): Sitemap | undefined {
  const start = text.trimStart();
  return start.startsWith('<') ? parseXml(start, base) : parseList(text);
}

type Node = Readonly<Record<string, unknown>>;

function parseXml(text: string, base: string): Sitemap | undefined {
  let root: Node;
  try {
    const parser = new XMLParser({
      removeNSPrefix: true,
      ignoreAttributes: true,
      parseTagValue: false,
      processEntities: true,
    });
    root = asNode(parser.parse(text));
  } catch {
    return undefined;
  }
  if (root.urlset === undefined && root.sitemapindex === undefined) return undefined;
  return {
    pages: entries(asNode(root.urlset).url, base),
    sitemaps: entries(asNode(root.sitemapindex).sitemap, base),
  };
}

function entries(found: unknown, base: string): SitemapEntry[] {
  const list = found === undefined ? [] : Array.isArray(found) ? found : [found];
  return list.slice(0, maxEntries).flatMap((one) => {
    const { loc, lastmod } = asNode(one);
    const url = webAddress(String(loc ?? '').trim(), base);
    const date = toIsoDate(typeof lastmod === 'string' ? lastmod : undefined);
    return url === undefined ? [] : [{ url, ...(date === undefined ? {} : { date }) }];
  });
}

function parseList(text: string): Sitemap | undefined {
  const lines = text
    .split(/\r?\n/, maxEntries)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const pages = lines.flatMap((line) => webAddress(line) ?? []).map((url) => ({ url }));
  return pages.length > 0 && pages.length === lines.length ? { pages, sitemaps: [] } : undefined;
}

function webAddress(text: string, base?: string): string | undefined {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  return url && text !== '' && /^https?:$/.test(url.protocol) ? url.href : undefined;
}

function asNode(value: unknown): Node {
  return typeof value === 'object' && value !== null ? (value as Node) : {};
}
