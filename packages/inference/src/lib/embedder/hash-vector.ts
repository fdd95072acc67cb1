import { wordsOf } from '../offline/words.ts';

/**
 * Signed feature hashing (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009) of words, word pairs and
 * letter triples, with sublinear counts. No model, no training: texts that share words and word stems are near each other,
 * synonyms are not. The same text gives the same bytes on every machine.
 */
export function hashVector(text: string, dimensions: number): Float32Array {
  const counts = new Map<string, number>();
  const add = (feature: string, weight: number) => counts.set(feature, (counts.get(feature) ?? 0) + weight);
  const words = wordsOf(text);
  // A text without words still needs a direction.
  if (words.length === 0) add(`t:${text.slice(0, 64)}`, 1);
  for (const [index, word] of words.entries()) {
    add(`w:${word}`, 1);
    const next = words[index + 1];
    if (next !== undefined) add(`p:${word} ${next}`, 0.5);
    if (word.length > 3) for (let at = 0; at + 3 <= word.length; at += 1) add(`c:${word.slice(at, at + 3)}`, 0.25);
  }
  const vector = new Float32Array(dimensions);
  for (const [feature, count] of counts) {
    const hash = fnv1a(feature);
    const index = hash % dimensions;
    // The top bit is not used by the index of small dimensions, so sign and place are independent.
    const sign = Math.imul(hash, 0x9e3779b1) >>> 31 === 0 ? 1 : -1;
    vector[index] = (vector[index] ?? 0) + sign * Math.log1p(count);
  }
  return vector;
}

/** FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/), over UTF-16 units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
