import { tokenize } from '../text/tokenize.ts';

/** Two words this far apart still belong together. */
const window = 3;

/**
 * 0 to 1: the share of neighbouring word pairs of the question that stand near each other in the text, in any order. A topic named in
 * two words (`charity race`) is found as a whole before texts that have the words in different places.
 */
export function proximity(queryTerms: readonly string[], text: string): number {
  const wanted = new Set(queryTerms);
  const positions = new Map<string, number[]>();
  tokenize(text.length > 20_000 ? text.slice(0, 20_000) : text).forEach((term, at) => {
    if (!wanted.has(term)) return;
    const known = positions.get(term);
    if (known) known.push(at);
    else positions.set(term, [at]);
  });
  let near = 0;
  for (let at = 0; at + 1 < queryTerms.length; at += 1) {
    const left = positions.get(queryTerms[at] ?? '');
    const right = positions.get(queryTerms[at + 1] ?? '');
    if (left && right && areNear(left, right)) near += 1;
  }
  return near / Math.max(1, queryTerms.length - 1);
}

function areNear(left: readonly number[], right: readonly number[]): boolean {
  return left.some((one) => right.some((other) => one !== other && Math.abs(one - other) <= window));
}
