import { stem } from './stem.ts';
import { stopWords } from './stop-words.ts';

/** Raised whenever a text gives other terms or features than before: an index of an older version is built again from the records. */
export const analysisVersion = 2;
/** Longest text that is indexed, in UTF-16 units; the rest is stored but not searchable by words. */
export const maxIndexedLength = 200_000;
const longestWord = 64;
const wordPattern = /[\p{L}\p{N}\p{M}]+(?:['’][\p{L}]+)*/gu;
const unspacedScript =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u;
const plainAscii = /^[a-z0-9]+$/;
const stems = new Map<string, string>();
/** A cache of pure results, so bounded rather than owned: the most common words of a language fit many times. */
const maxStems = 50_000;

/** The words of a text as people see them, lower case, accents removed. */
export function words(text: string): string[] {
  const cut = text.length > maxIndexedLength ? text.slice(0, maxIndexedLength) : text;
  return fold(cut).match(wordPattern) ?? [];
}

/** Lower case, compatibility forms unified, accents removed. Lone surrogates become U+FFFD. */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is exactly ASCII
  if (/^[\u0000-\u007f]*$/.test(lower)) return lower;
  return lower
    .toWellFormed()
    .normalize('NFKD')
    .replace(/\p{M}+/gu, (marks, at: number, all: string) =>
      /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u.test(all[at - 1] ?? '') ? '' : marks,
    );
}

/**
 * Index terms of a text, in order, with stop words left out: stems for English, whole words for other languages,
 * pairs of characters for scripts written without spaces.
 */
export function tokenize(text: string): string[] {
  const terms: string[] = [];
  for (const word of words(text)) pushTerms(word, terms);
  return terms;
}

function pushTerms(raw: string, terms: string[]): void {
  const apostrophe = raw.search(/['’]/);
  const word = apostrophe < 0 ? raw : raw.slice(0, apostrophe);
  if (word.length === 0 || stopWords.has(word)) return;
  if (plainAscii.test(word)) {
    if (word.length === 1 && (word < '0' || word > '9')) return;
    terms.push(stemOf(word.length > longestWord ? word.slice(0, longestWord) : word));
    return;
  }
  if (unspacedScript.test(word)) pushPairs(word, terms);
  else terms.push(word.slice(0, longestWord));
}

function pushPairs(word: string, terms: string[]): void {
  const characters = [...word];
  if (characters.length === 1) terms.push(word);
  for (let index = 0; index + 1 < characters.length; index += 1) {
    terms.push(`${characters[index]}${characters[index + 1]}`);
  }
}

function stemOf(word: string): string {
  const known = stems.get(word);
  if (known !== undefined) return known;
  const found = stem(word);
  if (stems.size >= maxStems) stems.clear();
  stems.set(word, found);
  return found;
}
