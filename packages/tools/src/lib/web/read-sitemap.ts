import { gunzipSync } from 'node:zlib';
import { defineTool, type Tool, type ToolContext } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { z } from 'zod';
import { type SourceOutput, sourceOutput } from '../sources/source-output.ts';
import { fetchResource, parseAddress } from './fetch-resource.ts';
import { parseSitemap, type Sitemap, type SitemapEntry } from './parse-sitemap.ts';

const input = z.object({
  url: z.string().describe('Address of a sitemap, or of a site, whose robots.txt or /sitemap.xml names it'),
  since: z.string().optional().describe('Cursor of an earlier call: only pages that changed later'),
  limit: z.number().int().min(1).max(1000).default(100),
});

type Request = z.infer<typeof input>;
type Web = Pick<ToolContext, 'fetch' | 'signal'>;

/** A site may spread its pages over thousands of files; these are enough to find what is new. */
const maxFiles = 20;
const maxBytes = 50 * 1024 * 1024;
const accept = 'application/xml, text/xml;q=0.9, text/plain;q=0.8, application/gzip;q=0.8';

/**
 * The tool `read_sitemap`: the pages of a site, the latest change first. Errors by code: those of {@link fetchResource}, of the
 * egress filter, and `GENIE_FEED_INVALID` (no sitemap there).
 */
export function readSitemap(): Tool {
  return defineTool({
    name: 'read_sitemap',
    description: 'Lists the pages of a web site from its sitemap, the latest change first.',
    input,
    output: sourceOutput,
    effect: 'read',
    permissions: ['net:*'],
    timeoutMs: 60_000,
    run: readPages,
  }) as Tool;
}

async function readPages(request: Request, context: Web): Promise<SourceOutput> {
  const { pages, isCut } = await collect(await findSitemaps(request.url, context), context);
  const dated = pages.filter((page) => page.date !== undefined);
  const cursor = dated
    .map(({ date }) => date ?? '')
    .sort()
    .at(-1);
  const fresh = pages
    .filter(({ date }) => request.since === undefined || (date !== undefined && date > request.since))
    .sort((left, right) => (right.date ?? '').localeCompare(left.date ?? ''));
  const undated = pages.length - dated.length;
  return {
    source: { kind: 'web', location: request.url },
    ...(cursor === undefined ? {} : { cursor }),
    items: fresh.slice(0, request.limit).map(({ url, date }) => ({
      id: `${url}#${date ?? ''}`,
      title: decodePath(url),
      text: '',
      location: url,
      ...(date === undefined ? {} : { date }),
    })),
    ...(isCut || fresh.length > request.limit ? { truncated: true } : {}),
    ...(undated > 0 && request.since !== undefined
      ? { note: `${undated} pages have no date and are left out: nothing says whether they changed.` }
      : {}),
  };
}

/** The address itself, or what the site's robots.txt names, or the usual place. */
async function findSitemaps(address: string, context: Web): Promise<readonly string[]> {
  const url = parseAddress(address);
  if (/\.(?:xml|txt|xml\.gz|txt\.gz)$/i.test(url.pathname)) return [url.href];
  const named = await fetchResource(`${url.origin}/robots.txt`, context.fetch, {
    accept: 'text/plain',
    accepts: () => true,
    maxBytes: 1024 * 1024,
    signal: context.signal,
  }).then(
    ({ text }) =>
      [...text.matchAll(/^\s*sitemap\s*:\s*(\S+)/gim)].flatMap(([, found = '']) =>
        URL.canParse(found) ? [found] : [],
      ),
    (error: unknown) => {
      // A site without a robots.txt may have a sitemap all the same.
      if (GenieError.isInstance(error) && error.code === 'GENIE_WEB_STATUS') return [];
      throw error;
    },
  );
  return named.length > 0 ? named : [`${url.origin}/sitemap.xml`];
}

async function collect(
  first: readonly string[],
  context: Web,
): Promise<{ readonly pages: readonly SitemapEntry[]; readonly isCut: boolean }> {
  const open = [...first];
  const seen = new Set<string>();
  const pages = new Map<string, SitemapEntry>();
  while (open.length > 0 && seen.size < maxFiles) {
    const url = open.shift() ?? '';
    if (seen.has(url)) continue;
    seen.add(url);
    const found = await load(url, context);
    for (const page of found.pages) pages.set(page.url, page);
    // The file that changed last holds what is new.
    open.push(
      ...[...found.sitemaps]
        .sort((left, right) => (right.date ?? '').localeCompare(left.date ?? ''))
        .map((one) => one.url),
    );
  }
  return { pages: [...pages.values()], isCut: open.some((url) => !seen.has(url)) };
}

async function load(url: string, { fetch, signal }: Web): Promise<Sitemap> {
  const resource = await fetchResource(url, fetch, { accept, accepts: () => true, maxBytes, signal });
  const sitemap = parseSitemap(unpacked(resource.bytes, resource.url) ?? resource.text, resource.url);
  if (sitemap) return sitemap;
  throw new GenieError('GENIE_FEED_INVALID', `${resource.url} is no sitemap: pass the address of one, or of the site.`);
}

/** A `.gz` file is not what `Content-Encoding` says, so nobody has unpacked it. */
function unpacked(bytes: Uint8Array, url: string): string | undefined {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return undefined;
  try {
    return new TextDecoder().decode(gunzipSync(bytes, { maxOutputLength: maxBytes }));
  } catch (error) {
    throw new GenieError('GENIE_WEB_TOO_LARGE', `${url} cannot be unpacked within ${maxBytes} bytes.`, {
      cause: error,
    });
  }
}

function decodePath(url: string): string {
  const { pathname, host } = new URL(url);
  try {
    return `${host}${decodeURIComponent(pathname)}`.slice(0, 300);
  } catch {
    return `${host}${pathname}`.slice(0, 300);
  }
}
