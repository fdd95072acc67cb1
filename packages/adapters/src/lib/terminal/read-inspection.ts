export type Inspection =
  | { readonly kind: 'command'; readonly command: readonly [string, ...string[]] }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'help' }
  | { readonly kind: 'exit' }
  | { readonly kind: 'nothing' };

interface Rule {
  /** Options that are taken; everything else that begins with a dash is refused. */
  readonly options: RegExp;
  /** Where the output of an option could be an action, the words are looked at one by one. */
  readonly words?: RegExp;
}

const letters = (list: string) => new RegExp(`^-[${list}]+$|^--help$`);

/** Programs that only look, with the options by which they only look. Nothing here takes an option that names a program or a file to write. */
const rules: Readonly<Record<string, Rule>> = {
  ls: { options: letters('alhtrRSsidF1n') },
  cat: { options: letters('nbsAETv') },
  head: { options: /^-(?:[nc]?\d*|[qvz]+)$/ },
  tail: { options: /^-(?:[nc]?\d*|[qvz]+)$/ },
  wc: { options: letters('clmwL') },
  grep: { options: /^-(?:[EFGiclnovwxrRHhsIz]+|[ABC]\d*|e)$/ },
  find: {
    options:
      /^-(?:name|iname|path|ipath|type|size|mtime|mmin|newer|maxdepth|mindepth|empty|user|group|not|a|o|print|ls)$/,
  },
  stat: { options: letters('Lft') },
  du: { options: /^-(?:[ahsck]+|d\d*)$/ },
  df: { options: letters('haikT') },
  ps: { options: letters('AaefuxlFjw'), words: /^(?:aux|axu|ax|ef)$/ },
  pwd: { options: letters('LP') },
  date: { options: letters('u'), words: /^\+[\w%:\- /.]*$/ },
  env: { options: /^$/, words: /^$/ },
  printenv: { options: /^$/ },
  uname: { options: letters('asnrvm') },
  id: { options: letters('ugGn') },
};

/** Reads one line of a read-only terminal. Quotes group words; nothing else has a meaning: no variables, pipes, redirections, globs. */
export function readInspection(line: string): Inspection {
  const words = splitWords(line);
  if (words === undefined) return { kind: 'refused', reason: 'a quote is not closed' };
  const [name, ...rest] = words;
  if (name === undefined) return { kind: 'nothing' };
  if (name === 'exit' || name === 'logout') return { kind: 'exit' };
  if (name === 'help') return { kind: 'help' };
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (!rule) return { kind: 'refused', reason: `${clean(name)}: not allowed here; "help" lists what is` };
  for (const word of rest) {
    if (word.includes('\0')) return { kind: 'refused', reason: 'a NUL cannot be part of a word' };
    const isAllowed =
      word.startsWith('-') && word !== '-'
        ? rule.options.test(word)
        : rule.words === undefined || rule.words.test(word);
    if (!isAllowed) return { kind: 'refused', reason: `${name} ${clean(word)}: not allowed here` };
  }
  return { kind: 'command', command: [name, ...rest] };
}

function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (const character of line) {
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + character;
  }
  if (quote !== undefined) return undefined;
  if (word !== undefined) words.push(word);
  return words;
}

/** Shown again to whoever typed it, so without what a terminal would obey. */
function clean(word: string): string {
  return word.replace(/\p{C}/gu, '?').slice(0, 80);
}
