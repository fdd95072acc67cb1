import { defineTool, type Tool, type ToolContext } from '@genie/core';
import { z } from 'zod';
import { clip } from '../clip.ts';
import { shortHash } from '../short-hash.ts';
import { type SourceOutput, sourceOutput } from '../sources/source-output.ts';
import { fetchResource } from './fetch-resource.ts';
import { type Page, pageToMarkdown } from './page-to-markdown.ts';
import type { Resource } from './resource.ts';
import { createResourceCache, type ResourceCache } from './resource-cache.ts';
import { createRobotsCheck, type RobotsCheck } from './robots-check.ts';

const input = z.object({
  url: z.string().describe('http or https address'),
  since: z.string().optional().describe('Cursor of an earlier call: nothing is returned when the page is the same'),
});

const accept = 'text/html, application/xhtml+xml, text/plain, text/markdown, application/json;q=0.8';
const isReadable = (type: string) =>
  type === '' || type.startsWith('text/') || /^application\/(xhtml\+xml|json|.*\+json|xml)$/.test(type);
const maxTextCharacters = 40_000;

export interface FetchPageOptions {
  /** Honour robots.txt. Default true. */
  readonly robots?: boolean;
  /** Epoch ms. Default the system clock. */
  readonly now?: () => number;
}

interface Deps {
  readonly cache: ResourceCache;
  readonly check: RobotsCheck | undefined;
}

/**
 * The tool `fetch_page`: the main text of a web page as Markdown, with title, date and links.
 * Errors by code: those of {@link fetchResource} and of the egress filter.
 */
export function fetchPage(options: FetchPageOptions = {}): Tool {
  const deps: Deps = {
    cache: createResourceCache(),
    check: options.robots === false ? undefined : createRobotsCheck(options.now ?? Date.now),
  };
  return defineTool({
    name: 'fetch_page',
    description: 'Reads a web page and gives its main text as Markdown, with title, date and links.',
    input,
    output: sourceOutput,
    effect: 'read',
    permissions: ['net:*'],
    timeoutMs: 30_000,
    run: (request, context) => readPage(request, context, deps),
  }) as Tool;
}

async function readPage(
  request: z.infer<typeof input>,
  { fetch, signal }: Pick<ToolContext, 'fetch' | 'signal'>,
  { cache, check }: Deps,
): Promise<SourceOutput> {
  await check?.(request.url, fetch, signal);
  const resource = await fetchResource(request.url, fetch, { accept, accepts: isReadable, signal, cache });
  const page = await resourceToPage(resource);
  const cursor = shortHash(page.text);
  const source = { kind: 'web', location: request.url } as const;
  if (request.since === cursor)
    return { source, cursor, items: [], note: 'The page says the same as at the last visit.' };
  const date =
    page.date ?? (resource.lastModified === undefined ? undefined : new Date(resource.lastModified).toISOString());
  const item = {
    id: `${resource.url}#${cursor}`,
    title: page.title,
    text: clip(page.text, maxTextCharacters),
    location: resource.url,
    ...(date === undefined ? {} : { date }),
    ...(page.author === undefined ? {} : { author: page.author }),
  };
  return {
    source,
    cursor,
    items: [item],
    links: [...page.links],
    ...(page.text.length > maxTextCharacters ? { truncated: true } : {}),
  };
}

/** HTML becomes Markdown; other text stays as it is. */
export async function resourceToPage(resource: Resource): Promise<Page> {
  const isHtml =
    /html/.test(resource.contentType) || (resource.contentType === '' && /^\s*<(?:!doctype|html)/i.test(resource.text));
  if (isHtml) return pageToMarkdown(resource.text, resource.url);
  return {
    title: new URL(resource.url).pathname.split('/').pop() || resource.url,
    text: resource.text.trim(),
    links: [],
  };
}
