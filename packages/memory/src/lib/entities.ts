import { stopWords } from './text/stop-words.ts';

const namePattern = /(?<![.!?:"“]\s)(?<!^)\b\p{Lu}[\p{L}\p{N}&.-]*(?:\s+\p{Lu}[\p{L}\p{N}&.-]*){0,3}/gmu;

/** Names that a set of texts speaks of, most frequent first: runs of capitalised words that do not start a sentence. At most 12. */
export function keyEntities(texts: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [match] of text.slice(0, 20_000).matchAll(namePattern)) {
      const name = match.replace(/[.-]+$/, '');
      if (name.length > 1 && !stopWords.has(name.toLowerCase())) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return [...counts]
    .sort((left, right) => right[1] - left[1])
    .slice(0, 12)
    .map(([name]) => name);
}
