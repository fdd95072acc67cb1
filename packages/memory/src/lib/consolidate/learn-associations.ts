import { ranking } from '../rank/constants.ts';
import type { LexicalIndex } from '../rank/lexical-index.ts';
import type { QueryTerm } from '../rank/question.ts';

const fewest = 4;
const maxShare = 0.02;
const termsPerDoc = 12;
const perTerm = 3;
/** Normalised pointwise mutual information (Bouma 2009) from which two words count as related; 0 is chance, 1 is always together. */
const smallestRelation = 0.4;
const maxPairs = 2_000_000;

/**
 * Words that this store uses together, in one turn or in two that follow each other, more often than chance. Rare words say too little and
 * common ones too much, so both are left out. Returns undefined when `isOver` ended it.
 */
export function learnAssociations(index: LexicalIndex, isOver: () => boolean): Map<string, QueryTerm[]> | undefined {
  const { state } = index;
  const terms: string[] = [];
  const byDoc = collectTerms(index, terms);
  const pairs = new Map<number, number>();
  for (let doc = 0; doc < byDoc.length; doc += 1) {
    if (doc % 1_000 === 0 && isOver()) return undefined;
    const session = state.columns.session.values[doc] ?? -1;
    const next = session >= 0 && state.columns.session.values[doc + 1] === session ? (byDoc[doc + 1] ?? []) : [];
    countPairs(byDoc[doc] ?? [], next, { pairs, terms: terms.length });
    if (pairs.size > maxPairs) return undefined;
  }
  return relate(pairs, terms, (term) => state.postings.get(term)?.docs.length ?? 0, state.ids.length);
}

function collectTerms({ state }: LexicalIndex, terms: string[]): number[][] {
  const byDoc: number[][] = state.ids.map(() => []);
  const most = Math.max(fewest * 4, state.ids.length * maxShare);
  for (const [term, posting] of state.postings) {
    const count = posting.docs.length;
    if (count < fewest || count > most || /\d/.test(term)) continue;
    const number = terms.push(term) - 1;
    for (let at = 0; at < count; at += 1) {
      const list = byDoc[posting.docs.values[at] ?? 0];
      if (list && list.length < termsPerDoc) list.push(number);
    }
  }
  return byDoc;
}

function countPairs(
  own: readonly number[],
  next: readonly number[],
  { pairs, terms }: { pairs: Map<number, number>; terms: number },
): void {
  const count = (left: number, right: number): void => {
    if (left === right) return;
    const key = Math.min(left, right) * terms + Math.max(left, right);
    pairs.set(key, (pairs.get(key) ?? 0) + 1);
  };
  own.forEach((left, at) => {
    for (const right of own.slice(at + 1)) count(left, right);
    for (const right of next) count(left, right);
  });
}

function relate(
  pairs: ReadonlyMap<number, number>,
  terms: readonly string[],
  frequency: (term: string) => number,
  docs: number,
): Map<string, QueryTerm[]> {
  const found = new Map<string, { term: string; weight: number }[]>();
  for (const [key, together] of pairs) {
    if (together < fewest) continue;
    const left = terms[Math.floor(key / terms.length)] ?? '';
    const right = terms[key % terms.length] ?? '';
    // A pair may be seen in three windows of a turn: within it and with either neighbour.
    const joint = together / (docs * 3);
    const relation = Math.log((joint * docs * docs) / (frequency(left) * frequency(right))) / -Math.log(joint);
    if (relation < smallestRelation) continue;
    for (const [from, to] of [
      [left, right],
      [right, left],
    ] as const) {
      found.set(from, [...(found.get(from) ?? []), { term: to, weight: ranking.association * Math.min(1, relation) }]);
    }
  }
  for (const [term, related] of found)
    found.set(term, related.sort((a, b) => b.weight - a.weight || (a.term < b.term ? -1 : 1)).slice(0, perTerm));
  return found;
}
