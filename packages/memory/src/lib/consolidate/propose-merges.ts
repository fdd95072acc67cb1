import type { StoredRecord } from '../store/record.ts';
import { fold, words } from '../text/tokenize.ts';
import type { Operation } from './operation.ts';

const dayMs = 86_400_000;

/**
 * Merges for notes that say the same: equal words in the same order, case and punctuation aside, the same source, at about the same time.
 * Every word counts, because `not` and the order of two names change what is said. What somebody said is never merged, since saying it again
 * is an event of its own.
 */
export function proposeMerges(records: readonly StoredRecord[]): Operation[] {
  const groups = new Map<string, StoredRecord[]>();
  for (const record of records) {
    if (record.tier !== 'associative' || record.speaker !== undefined || record.status !== 'live') continue;
    const key = JSON.stringify([record.kind, record.source ?? '', numbersIn(record.text), words(record.text)]);
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  return [...groups.values()].flatMap((group) => mergeGroup(group));
}

/** Order of numbers carries meaning (`3 to 5`), so it is part of what has to be equal. */
function numbersIn(text: string): string[] {
  return fold(text).match(/\d[\d.,:/-]*\d|\d/g) ?? [];
}

function mergeGroup(group: readonly StoredRecord[]): Operation[] {
  const [survivor, ...others] = group;
  if (!survivor) return [];
  const merged = others.filter((one) => isSameTime(survivor, one));
  return merged.length > 0 ? [{ kind: 'merge', survivor, merged }] : [];
}

function isSameTime(left: StoredRecord, right: StoredRecord): boolean {
  if (left.eventTime === undefined || right.eventTime === undefined) return left.eventTime === right.eventTime;
  return Math.abs(left.eventTime - right.eventTime) < dayMs;
}
