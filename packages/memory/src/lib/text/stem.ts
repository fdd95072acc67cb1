const vowelGroup = '[aeiouy]';
const hasVowel = new RegExp(vowelGroup);
const doubled = /([bdfgmnprt])\1$/;

/** Irregular forms that suffix rules cannot reach and that people use every day. Written by hand, grouped by base form. */
const irregular = new Map<string, string>(
  Object.entries({
    go: 'went gone goes',
    buy: 'bought',
    see: 'saw seen',
    take: 'took taken',
    make: 'made',
    get: 'got gotten',
    give: 'gave given',
    find: 'found',
    think: 'thought',
    teach: 'taught',
    catch: 'caught',
    bring: 'brought',
    run: 'ran',
    begin: 'began begun',
    swim: 'swam swum',
    sing: 'sang sung',
    drink: 'drank drunk',
    write: 'wrote written',
    read: 'reads',
    ride: 'rode ridden',
    drive: 'drove driven',
    speak: 'spoke spoken',
    break: 'broke broken',
    choose: 'chose chosen',
    wake: 'woke woken',
    wear: 'wore worn',
    tell: 'told',
    sell: 'sold',
    say: 'said',
    feel: 'felt',
    keep: 'kept',
    sleep: 'slept',
    leave: 'left',
    meet: 'met',
    lose: 'lost',
    win: 'won',
    build: 'built',
    send: 'sent',
    spend: 'spent',
    lend: 'lent',
    hold: 'held',
    hear: 'heard',
    stand: 'stood',
    grow: 'grew grown',
    know: 'knew known',
    fly: 'flew flown',
    draw: 'drew drawn',
    throw: 'threw thrown',
    eat: 'ate eaten',
    fall: 'fell fallen',
    come: 'came',
    become: 'became',
    pay: 'paid',
    fight: 'fought',
    feed: 'fed',
    lead: 'led',
    dream: 'dreamt',
    learn: 'learnt',
    child: 'children',
    person: 'people persons',
    man: 'men',
    woman: 'women',
    foot: 'feet',
    tooth: 'teeth',
    mouse: 'mice',
    wife: 'wives',
    life: 'lives',
    knife: 'knives',
    leaf: 'leaves',
    hang: 'hung',
    adopt: 'adoption',
    marry: 'marriage married marries',
    decide: 'decision decided',
    apply: 'application applied',
    sick: 'sickness',
    die: 'died dying dies',
    forget: 'forgot forgotten',
    teacher: 'teachers',
    bake: 'baking baked',
  }).flatMap(([base, forms]) => forms.split(' ').map((form): [string, string] => [form, base])),
);

/** Words whose last letter looks like an ending and is none. */
const invariant: ReadonlySet<string> = new Set(
  'news series species christmas texas politics physics mathematics economics athletics gymnastics athens naples brussels thursday during'.split(
    ' ',
  ),
);

/**
 * Reduces an English word to a form that its inflections share (`hiking`, `hiked`, `hikes` → `hike`-like stem).
 * Light on purpose: it removes inflections and a few derivations, because strong stemming merges different words
 * (`university`, `universe`). Words with digits or letters outside a-z are returned as they are.
 */
export function stem(word: string): string {
  if (word.length < 3 || !/^[a-z]+$/.test(word)) return word;
  if (invariant.has(word)) return word;
  const base = irregular.get(word) ?? word;
  return dropFinal(stripDerivation(stripInflection(base)));
}

function stripInflection(word: string): string {
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (word.length > 4 && word.endsWith('ied')) return `${word.slice(0, -3)}y`;
  if (/(ss|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2);
  if (word.length > 3 && word.endsWith('s') && !/(ss|us|is)$/.test(word)) return stripInflection(word.slice(0, -1));
  if (word.length > 5 && word.endsWith('ing')) return undouble(word, word.slice(0, -3));
  if (word.length > 4 && word.endsWith('ed') && !word.endsWith('eed')) return undouble(word, word.slice(0, -2));
  return word;
}

function undouble(word: string, rest: string): string {
  if (rest.length < 2 || !hasVowel.test(rest)) return word;
  return doubled.test(rest) ? rest.slice(0, -1) : rest;
}

/** [suffix, replacement, shortest remainder]; first match wins. */
const derivations: readonly (readonly [string, string, number])[] = [
  ['ization', 'ize', 3],
  ['ational', 'ate', 3],
  ['fulness', 'ful', 3],
  ['iveness', 'ive', 3],
  ['ousness', 'ous', 3],
  ['ation', 'ate', 4],
  ['ment', '', 4],
  ['ness', '', 4],
  ['ingly', '', 4],
  ['ally', 'al', 3],
  ['ful', '', 4],
  ['less', '', 4],
  ['ship', '', 5],
  ['ly', '', 4],
  ['er', '', 5],
  ['or', '', 5],
  ['est', '', 5],
  ['ist', '', 5],
  ['ate', '', 5],
];

function stripDerivation(word: string): string {
  for (const [suffix, replacement, shortest] of derivations) {
    if (word.length - suffix.length >= shortest && word.endsWith(suffix)) {
      const rest = word.slice(0, -suffix.length) + replacement;
      return replacement === '' ? undouble(word, rest) : stripDerivation(rest);
    }
  }
  return word;
}

/** `bake` and `bak(ing)` meet; so do `study` and `studi(o)s` not: only e and y → i are touched. */
function dropFinal(word: string): string {
  if (word.length > 3 && word.endsWith('e')) return word.slice(0, -1);
  if (word.length > 3 && word.endsWith('y') && !hasVowel.test(word.at(-2) ?? '')) return `${word.slice(0, -1)}i`;
  return word;
}
