import { clip } from '../clip.ts';
import { createTimeLimit, TookTooLong } from '../time-limit.ts';
import type { HtmlDocument, HtmlElement } from './html-element.ts';
import { htmlToText } from './html-to-text.ts';
import { type PageShape, pageShape } from './page-shape.ts';

export interface Page {
  readonly title: string;
  /** Main content as Markdown. */
  readonly text: string;
  /** ISO 8601. */
  readonly date?: string;
  readonly author?: string;
  readonly links: readonly { readonly text: string; readonly url: string }[];
}

/** Pages past one of these are read as plain text: extraction takes time that grows with their product. */
const mostToExtract: PageShape = { elements: 60_000, depth: 256, longestTag: 100_000, marks: 250_000 };
/** Ordinary pages take some ten milliseconds; a page that takes this long was made to. */
const maxExtractMs = 3_000;

/**
 * Main content of an HTML page: @mozilla/readability finds it, turndown writes it as Markdown. A page without a main
 * part that can be told from the rest gives all of its visible text; one that is made to keep its reader busy gives its plain
 * text. Scripts are never run.
 */
export async function pageToMarkdown(html: string, url: string): Promise<Page> {
  const [{ parseHTML }, { Readability }, { default: Turndown }] = await Promise.all([
    import('linkedom'),
    import('@mozilla/readability'),
    import('turndown'),
  ]);
  const shape = pageShape(html);
  for (const size of Object.keys(mostToExtract) as (keyof PageShape)[])
    if (shape[size] > mostToExtract[size]) return plainPage(html, url);
  const extract = () => extractPage(html, url, { parseHTML, Readability, Turndown });
  try {
    return createTimeLimit().run(maxExtractMs, extract);
  } catch (error) {
    if (error instanceof TookTooLong || error instanceof RangeError) return plainPage(html, url);
    throw error;
  }
}

function plainPage(html: string, url: string): Page {
  const title = htmlToText(/<title[^<>]*>([^<]{1,1000})/i.exec(html)?.[1] ?? '');
  return { title: clip(title || url, 300), text: htmlToText(html), links: [] };
}

interface Libraries {
  readonly parseHTML: typeof import('linkedom').parseHTML;
  readonly Readability: typeof import('@mozilla/readability').Readability;
  readonly Turndown: typeof import('turndown');
}

function extractPage(html: string, url: string, { parseHTML, Readability, Turndown }: Libraries): Page {
  const document = parseHTML(html.includes('<html') ? html : `<html><body>${html}</body></html>`)
    .document as unknown as HtmlDocument;
  const facts = { date: findDate(document), title: findTitle(document), author: findAuthor(document) };
  removeNoise(document);
  absolutizeLinks(document, baseOf(document, url));
  const marked = markedMain(document);
  const whole = document.body?.cloneNode(true) as HtmlElement | undefined;
  const article = new Readability(document, { charThreshold: 200, serializer: (node) => node }).parse();
  const found = article?.content as HtmlElement | undefined;
  // The extraction looks for paragraphs; a page of lists, such as release notes, makes it pick something small and wrong.
  const content = marked && lengthOf(found) < lengthOf(marked) / 2 ? marked : (found ?? whole);
  const turndown = new Turndown({ headingStyle: 'atx', codeBlockStyle: 'fenced', bulletListMarker: '-' });
  const text = content
    ? turndown
        .turndown(content)
        .replace(/\n{3,}/g, '\n\n')
        .trim()
    : '';
  const title = facts.title || article?.title || url;
  const author = facts.author ?? article?.byline ?? undefined;
  return {
    title: clip(title, 300),
    text,
    links: collectLinks(content),
    ...(facts.date === undefined ? {} : { date: facts.date }),
    ...(author ? { author: clip(author, 200) } : {}),
  };
}

/** What the page itself marks as its main part, without what is in it for other reasons. */
function markedMain(document: HtmlDocument): HtmlElement | undefined {
  const articles = document.querySelectorAll('article');
  const only = articles.length === 1 ? [...articles][0] : undefined;
  const main = (document.querySelector('main, [role="main"]') ?? only)?.cloneNode(true);
  for (const element of main?.querySelectorAll('nav,aside,footer,form,button,[role="navigation"]') ?? [])
    element.remove();
  return main;
}

function lengthOf(element: HtmlElement | undefined): number {
  return (element?.textContent ?? '').replace(/\s+/g, ' ').length;
}

const advertisements =
  '.ad,.ads,.advert,.advertisement,.sponsor,.sponsored,.promo,.newsletter,.share-buttons,.cookie-banner';

function removeNoise(document: HtmlDocument): void {
  for (const element of document.querySelectorAll(
    `script,style,noscript,template,iframe,object,embed,svg,canvas,[hidden],[aria-hidden="true"],${advertisements}`,
  ))
    element.remove();
}

function baseOf(document: HtmlDocument, url: string): string {
  const base = document.querySelector('base[href]')?.getAttribute('href') ?? '';
  return URL.canParse(base, url) ? new URL(base, url).href : url;
}

function absolutizeLinks(document: HtmlDocument, base: string): void {
  for (const [selector, attribute] of [
    ['a[href]', 'href'],
    ['img[src]', 'src'],
  ] as const) {
    for (const element of document.querySelectorAll(selector)) {
      const value = element.getAttribute(attribute) ?? '';
      const target = URL.canParse(value, base) ? new URL(value, base) : undefined;
      if (target && /^https?:$/.test(target.protocol)) element.setAttribute(attribute, target.href);
      else element.removeAttribute(attribute);
    }
  }
}

function collectLinks(content: HtmlElement | undefined): { text: string; url: string }[] {
  const links = new Map<string, string>();
  for (const anchor of content?.querySelectorAll('a[href]') ?? []) {
    const url = (anchor.getAttribute('href') ?? '').split('#')[0] ?? '';
    const text = (anchor.textContent ?? '').replace(/\s+/g, ' ').trim();
    if (url !== '' && text !== '' && !links.has(url) && links.size < 100) links.set(url, clip(text, 120));
  }
  return [...links].map(([url, text]) => ({ text, url }));
}

function findTitle(document: HtmlDocument): string {
  const meta = document.querySelector('meta[property="og:title"]')?.getAttribute('content');
  return (meta || document.querySelector('title')?.textContent || document.querySelector('h1')?.textContent || '')
    .replace(/\s+/g, ' ')
    .trim();
}

function findAuthor(document: HtmlDocument): string | undefined {
  const author = document.querySelector('meta[name="author"]')?.getAttribute('content')?.trim();
  return author ? author : undefined;
}

const dateSelectors = [
  ['meta[property="article:modified_time"]', 'content'],
  ['meta[property="article:published_time"]', 'content'],
  ['meta[itemprop="datePublished"]', 'content'],
  ['meta[name="date"]', 'content'],
  ['meta[name="dcterms.date"]', 'content'],
  ['[itemprop="datePublished"][datetime]', 'datetime'],
  ['time[datetime]', 'datetime'],
] as const;

function findDate(document: HtmlDocument): string | undefined {
  for (const [selector, attribute] of dateSelectors) {
    const date = toIsoDate(document.querySelector(selector)?.getAttribute(attribute) ?? undefined);
    if (date) return date;
  }
  for (const script of document.querySelectorAll('script[type="application/ld+json"]')) {
    const match = /"(?:dateModified|datePublished)"\s*:\s*"([^"]{4,40})"/.exec(script.textContent ?? '');
    const date = toIsoDate(match?.[1]);
    if (date) return date;
  }
  return undefined;
}

/** ISO 8601 of a date as the web writes it; undefined when it cannot be read. */
export function toIsoDate(text: string | undefined): string | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text.trim());
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}
