const scripts: readonly (readonly [string, RegExp])[] = [
  ['Latin', /\p{Script=Latin}/u],
  ['Cyrillic', /\p{Script=Cyrillic}/u],
  ['Greek', /\p{Script=Greek}/u],
  ['Armenian', /\p{Script=Armenian}/u],
  ['Hebrew', /\p{Script=Hebrew}/u],
  ['Arabic', /\p{Script=Arabic}/u],
  ['Cherokee', /\p{Script=Cherokee}/u],
  ['Han', /\p{Script=Han}/u],
  ['Kana', /[\p{Script=Hiragana}\p{Script=Katakana}]/u],
  ['Hangul', /\p{Script=Hangul}/u],
];

// Letters that look like a Latin one in common fonts. A label of nothing else reads as a Latin word.
const cyrillicTwins = /^[аеорсухіјѕһԁԛԝгкпьбтвнмзӏё0-9-]+$/u;
const greekTwins = /^[αορνυικτχγηωϲϳ0-9-]+$/u;
const latinTwins = /[ıɑɡɩʟȷƅɴᴏᴠᴡᴢḷḥạẹịọụỵąęįłøđħŧðþ]/u;

/**
 * Why a readable name may be mistaken for another, or undefined. A label is suspicious when it mixes scripts that are not
 * written together, or holds only letters of one script that look like Latin ones (after the ideas of UTS 39).
 */
export function describeHomograph(unicode: string): string | undefined {
  for (const label of unicode.split('.')) {
    const found = scripts.filter(([, pattern]) => pattern.test(label)).map(([name]) => name);
    const mixed = found.filter((name) => name !== 'Han' && name !== 'Kana' && name !== 'Hangul');
    if (mixed.length > 1) return `"${label}" mixes ${mixed.join(' and ')} letters`;
    if (found[0] === 'Cyrillic' && cyrillicTwins.test(label)) return `"${label}" is Cyrillic but reads as Latin`;
    if (found[0] === 'Greek' && greekTwins.test(label)) return `"${label}" is Greek but reads as Latin`;
    if (found[0] === 'Latin' && latinTwins.test(label)) return `"${label}" has letters that look like plain ones`;
  }
  return undefined;
}
