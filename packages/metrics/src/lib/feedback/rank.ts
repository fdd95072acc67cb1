import type { BriefingItem } from '@genie/core/ports';
import type { Preference, Preferences } from './preferences.ts';

export interface RankedItem {
  readonly item: BriefingItem;
  /** -1 to 1; 0 for what the user never judged. */
  readonly score: number;
  /** In words, to be shown with the item; undefined when there is nothing to say. */
  readonly why?: string;
}

/** Briefing items by what the user values, best first. Items without an opinion keep their order in the middle. */
export function rankByPreferences(items: readonly BriefingItem[], preferences: Preferences): readonly RankedItem[] {
  const judged = new Map(preferences.items.map((one) => [one.key, one]));
  const ranked = items.map((item): RankedItem => {
    const own = judged.get(item.id);
    const opinions = preferences.sources.filter((one) => isAbout(one, item));
    if (own !== undefined) return { item, score: own.score, why: `you judged it: ${own.why}` };
    const best = opinions.toSorted((left, right) => right.score - left.score)[0];
    return best === undefined ? { item, score: 0 } : { item, score: best.score, why: `from ${best.key}: ${best.why}` };
  });
  return ranked.sort((left, right) => right.score - left.score);
}

/** A judged source is named as the citation names it, by the cited place, or by a place that holds it. */
function isAbout({ key }: Preference, { citations }: BriefingItem): boolean {
  return citations.some(({ source, location }) => key === source || key === location || location.startsWith(key));
}
