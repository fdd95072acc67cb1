import { keyEntities } from '../entities.ts';
import type { StoredRecord } from '../store/record.ts';
import { fold, tokenize } from '../text/tokenize.ts';
import type { Operation } from './operation.ts';

/** Consolidation that would hide more of the live memories than this is refused as a whole: it is a defect, not tidying. */
const largestShrink = 0.5;

export interface Validation {
  readonly accepted: readonly Operation[];
  readonly refused: readonly string[];
}

/**
 * Refuses what would lose something: a survivor or summary that is empty, that keeps fewer of the key terms of its sources than
 * `lossBound`, or that misses one of their numbers; and everything at once when too much would disappear from recall.
 */
export function validateOperations(operations: readonly Operation[], lossBound: number, liveCount: number): Validation {
  const refused: string[] = [];
  const accepted = operations.filter((operation) => {
    const why = refusal(operation, lossBound);
    if (why !== undefined) refused.push(why);
    return why === undefined;
  });
  const hidden = accepted.reduce((sum, operation) => sum + hides(operation), 0);
  if (hidden <= Math.max(8, liveCount * largestShrink)) return { accepted, refused };
  refused.push(`merging would hide ${hidden} of ${liveCount} memories`);
  return { accepted: accepted.filter((operation) => hides(operation) === 0), refused };
}

function hides(operation: Operation): number {
  if (operation.kind === 'merge') return operation.merged.length;
  return operation.kind === 'summary' && operation.retire ? operation.sources.length : 0;
}

function refusal(operation: Operation, lossBound: number): string | undefined {
  if (operation.kind === 'merge') return lossOf(operation.survivor.text, operation.merged, lossBound);
  if (operation.kind === 'summary') return lossOf(operation.record.text, operation.sources, lossBound);
  if (operation.kind === 'pattern') return operation.record.text.trim() === '' ? 'a pattern without a text' : undefined;
  return operation.importance >= 0 && operation.importance <= 1
    ? undefined
    : `an importance of ${operation.importance}`;
}

function lossOf(text: string, sources: readonly StoredRecord[], lossBound: number): string | undefined {
  const first = sources[0]?.id ?? 'nothing';
  if (sources.length === 0 || text.trim() === '') return `an empty result for ${first}`;
  const kept = new Set(tokenize(text));
  for (const source of sources) {
    const missing = numbersOf(source.text).find((number) => !text.includes(number));
    if (missing !== undefined) return `the result for ${source.id} misses the number ${missing}`;
  }
  const wanted = keyTerms(sources.map((source) => source.text));
  const share = wanted.length === 0 ? 1 : wanted.filter((term) => kept.has(term)).length / wanted.length;
  return share >= lossBound
    ? undefined
    : `the result for ${first} keeps ${Math.round(share * 100)} % of the key terms, ${Math.round(lossBound * 100)} % are needed`;
}

function numbersOf(text: string): string[] {
  return text.match(/\d[\d.,:/-]*\d|\d/g) ?? [];
}

/** Names, and the words that carry the text: all of them when they are few, the most frequent when there are many. */
export function keyTerms(texts: readonly string[]): string[] {
  const names = keyEntities(texts).flatMap((name) => tokenize(fold(name)));
  const counts = new Map<string, number>();
  for (const text of texts) for (const term of new Set(tokenize(text))) counts.set(term, (counts.get(term) ?? 0) + 1);
  const frequent = [...counts]
    .sort((left, right) => right[1] - left[1])
    .slice(0, 60)
    .map(([term]) => term);
  return [...new Set([...names, ...frequent])];
}
