import { baseByForm, invariantWords } from './irregular-words.ts';

const hasVowel = /[aeiouy]/;
const doubled = /([bdfgmnprt])\1$/;
/** One syllable that ends in consonant, vowel, consonant: what `hop` and `hope` share once an ending is gone. */
const shortStem = /^[^aeiouy]*[aeiouy][^aeiouywx]$/;

/**
 * Reduces an English word to a form that its inflections share (`hiking`, `hiked`, `hikes` → `hike`).
 * Light on purpose: it removes inflections and a few derivations, because strong stemming merges different words
 * (`university`, `universe`). Words with digits or letters outside a-z are returned as they are.
 */
export function stem(word: string): string {
  if (word.length < 3 || !/^[a-z]+$/.test(word)) return word;
  const base = baseByForm.get(word) ?? word;
  if (invariantWords.has(base))
    return base.endsWith('s') && invariantWords.has(base.slice(0, -1)) ? base.slice(0, -1) : base;
  return dropFinal(stripDerivation(stripInflection(base)));
}

function stripInflection(word: string): string {
  if (word.length > 4 && (word.endsWith('ies') || word.endsWith('ied'))) return `${word.slice(0, -3)}y`;
  if (/(ss|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2);
  if (word.length > 3 && word.endsWith('s') && !/(ss|us|is)$/.test(word)) return withoutEnding(word.slice(0, -1));
  return withoutEnding(word);
}

/** A plural may be of any form: `paintings` is `painting`, and that is `paint`. */
function withoutEnding(word: string): string {
  const base = baseByForm.get(word) ?? word;
  if (base !== word || invariantWords.has(word)) return base;
  if (word.length > 5 && word.endsWith('ing')) return repair(word, word.slice(0, -3));
  if (word.length > 4 && word.endsWith('ed') && !word.endsWith('eed')) return repair(word, word.slice(0, -2));
  return word;
}

/** What is left without `-ing` or `-ed`, as the word itself is spelt: `runn` is `run`, `hop` is `hope`, `celebrat` is `celebrate`. */
function repair(word: string, rest: string): string {
  if (rest.length < 2 || !hasVowel.test(rest)) return word;
  if (doubled.test(rest) || /[aeiou][^aeiou]+[aeiou]ll$/.test(rest)) return rest.slice(0, -1);
  if (shortStem.test(rest) || /[^eo]at$/.test(rest)) return `${rest}e`;
  return rest;
}

/** [suffix, replacement, shortest remainder]; first match wins. */
const derivations: readonly (readonly [string, string, number])[] = [
  ['ization', 'ize', 3],
  ['ational', 'ate', 3],
  ['fulness', 'ful', 3],
  ['iveness', 'ive', 3],
  ['ousness', 'ous', 3],
  ['ation', '', 4],
  ['ator', '', 4],
  ['ment', '', 4],
  ['ness', '', 4],
  ['ingly', '', 4],
  ['ically', 'ic', 3],
  ['ical', 'ic', 3],
  ['ally', 'al', 3],
  ['ful', '', 4],
  ['less', '', 5],
  ['ship', '', 5],
  ['ive', '', 5],
  ['tion', 't', 4],
  ['sion', 's', 4],
  ['ily', 'y', 3],
  ['ly', '', 4],
  ['ate', '', 4],
  ['er', '', 5],
  ['or', '', 5],
  ['est', '', 5],
  ['ist', '', 5],
];

function stripDerivation(word: string): string {
  for (const [suffix, replacement, shortest] of derivations) {
    if (word.length - suffix.length >= shortest && word.endsWith(suffix)) {
      const rest = word.slice(0, -suffix.length) + replacement;
      if (replacement !== '') return rest.length < word.length ? stripDerivation(rest) : rest;
      return doubled.test(rest) ? rest.slice(0, -1) : rest;
    }
  }
  return word;
}

/** `dance` and `danc(ing)` meet. A short word keeps its e, because `care` is not `car` and `plane` not `plan`. */
function dropFinal(word: string): string {
  if (word.length > 3 && word.endsWith('e') && !shortStem.test(word.slice(0, -1))) return word.slice(0, -1);
  if (word.length > 3 && word.endsWith('y') && !hasVowel.test(word.at(-2) ?? '')) return `${word.slice(0, -1)}i`;
  return word;
}
