import type { Briefing } from '@genie/core/ports';
import type { Preferences } from './preferences.ts';
import { type RankedItem, rankByPreferences } from './rank.ts';

/**
 * The briefing in the order of what the user values: in each list what they liked first, what they did not like last, and the reason with
 * each judged item. Nothing is left out, because a judgement about a source can be wrong about an item. Items keep their ids and texts;
 * without an opinion the same briefing comes back.
 */
export function arrangeBriefing(briefing: Briefing, preferences: Preferences): Briefing {
  const ranked = rankByPreferences(briefing.items, preferences);
  if (ranked.every((one) => one.score === 0)) return briefing;
  const lists = splitMarkdown(briefing.markdown, new Map(ranked.map((one) => [one.item.id, one])), briefing.items);
  const sorted = lists.map((list) => (Array.isArray(list) ? bestFirst(list) : list));
  const markdown = sorted.flatMap((list) => (Array.isArray(list) ? list.flatMap(toLines) : [list])).join('\n');
  const items = sorted.flatMap((list) => (Array.isArray(list) ? list.map((block) => block.ranked.item) : []));
  return { ...briefing, markdown, items };
}

/** The lines of one item. */
interface Block {
  readonly lines: string[];
  readonly ranked: RankedItem;
}

/** Markdown as lines and, where items stand, lists of them, by the rules that a briefing is read with. */
function splitMarkdown(
  markdown: string,
  ranked: ReadonlyMap<string, RankedItem>,
  items: Briefing['items'],
): (string | Block[])[] {
  const parts: (string | Block[])[] = [];
  let next = 0;
  let skips = false;
  for (const line of markdown.split('\n')) {
    const list = parts.at(-1);
    const heading = /^#{1,4}\s+(.+)$/.exec(line)?.[1];
    if (heading !== undefined) skips = /not reached/i.test(heading);
    const isItem = heading === undefined && !skips && /^\s{0,3}(?:[-*+]|\d{1,3}[.)])\s+\S/.test(line);
    const one = isItem ? ranked.get(items[next++]?.id ?? '') : undefined;
    if (one !== undefined) {
      const block = { lines: [line], ranked: one };
      if (Array.isArray(list)) list.push(block);
      else parts.push([block]);
    } else if (Array.isArray(list) && /^\s{2,}\S/.test(line)) list.at(-1)?.lines.push(line);
    else parts.push(line);
  }
  return parts;
}

function bestFirst(list: readonly Block[]): Block[] {
  return list.toSorted((left, right) => right.ranked.score - left.ranked.score);
}

/** The reason stands with the item, where the user sees it. Brackets would read as a link. */
function toLines({ lines, ranked }: Block): readonly string[] {
  const [first = '', ...rest] = lines;
  if (ranked.why === undefined) return lines;
  const why = ranked.why.replaceAll(/[[\]()*_`\n]/g, ' ').trim();
  return [`${first.trimEnd()} _(your feedback: ${why})_`, ...rest];
}
