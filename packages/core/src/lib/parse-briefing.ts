import { createHash } from 'node:crypto';
import type { Briefing, BriefingItem, Citation } from './run-record.ts';

/**
 * Reads a briefing out of the model's Markdown: the first heading is its title, every list line outside
 * "### Not reached" an item, every link in a line a citation, with the ISO date that follows it.
 * Undefined when the text has neither heading nor list.
 */
export function parseBriefing(markdown: string): Briefing | undefined {
  let title: string | undefined;
  let skips = false;
  const items: BriefingItem[] = [];
  for (const line of markdown.split('\n')) {
    const heading = /^#{1,4}\s+(.+)$/.exec(line);
    if (heading) {
      title ??= heading[1]?.trim();
      skips = /not reached/i.test(heading[1] ?? '');
      continue;
    }
    const entry = /^\s{0,3}(?:[-*+]|\d{1,3}[.)])\s+(.+)$/.exec(line);
    if (entry?.[1] && !skips) items.push(toItem(entry[1].trim()));
  }
  if (title === undefined && items.length === 0) return undefined;
  return { title: title ?? items[0]?.text.slice(0, 80) ?? 'Briefing', markdown, items };
}

function toItem(line: string): BriefingItem {
  const citations = readCitations(line);
  const text = withoutCitations(line);
  const identity = citations.length > 0 ? citations.map((citation) => citation.location).join(' ') : text;
  return {
    id: `item_${createHash('sha256').update(`${identity}\n${text}`).digest('hex').slice(0, 16)}`,
    text,
    citations,
  };
}

/** The statement without the links behind it; a line that begins with its link keeps the link's title. */
function withoutCitations(line: string): string {
  const first = line.search(link);
  const before = first > 0 ? line.slice(0, first).replace(/[\s([]+$/, '') : '';
  return before !== '' ? before : line.replace(link, '$1').trim();
}

/** A link's target may hold balanced parentheses, as in CommonMark. */
const link = /\[([^\]]{0,400})\]\(<?((?:[^()\s<>]|\([^()\s]*\)){1,2000})>?\)(?:,?\s*(\d{4}-\d{2}-\d{2}))?/g;

function readCitations(line: string): Citation[] {
  const citations: Citation[] = [];
  for (const [, source = '', location = '', date] of line.matchAll(link)) {
    citations.push({ source, location, ...(date ? { date } : {}) });
  }
  return citations;
}
