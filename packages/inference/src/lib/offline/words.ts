/** Words that say nothing about a topic. */
const stopWords: ReadonlySet<string> = new Set(
  (
    'a about above after again all also am an and any are as at be because been before being below between both but by can ' +
    'could did do does doing down during each few for from further had has have having he her here hers him his how i if in ' +
    'into is it its just me more most my no nor not now of off on once only or other our out over own same she should so some ' +
    'such than that the their them then there these they this those through to too under until up us very was we were what ' +
    'when where which while who whom why will with would you your brief briefing care changed report watch tell summarise ' +
    'summarize summary new news please'
  ).split(' '),
);

/** Lower-case words and numbers in any script; version numbers and dotted or dashed names stay whole. */
export function wordsOf(text: string): string[] {
  return (
    text
      .toLowerCase()
      .normalize('NFKC')
      .match(/[\p{L}\p{N}]+(?:[.\-_'’][\p{L}\p{N}]+)*/gu) ?? []
  );
}

/** The words that carry a topic, with the commonest English endings cut, so that "fixes" meets "fix". */
export function topicWords(text: string): string[] {
  return wordsOf(text)
    .filter((word) => !stopWords.has(word))
    .map(stem);
}

function stem(word: string): string {
  if (word.length < 5 || /\d/.test(word)) return word;
  return word.replace(/(?:ies)$/, 'y').replace(/(?:ing|ed|es|s)$/, '');
}

/** True for tokens that make two otherwise equal sentences different: numbers, versions, dates, hashes. */
export function isNumeric(word: string): boolean {
  return /\d/.test(word);
}

const abbreviation = /(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|no|dr|mr|mrs|ms|st|fig|inc|ltd)|\b\p{L})\.$/iu;

/** Splits text into sentences by its punctuation and line breaks. White space collapses; order is kept. */
export function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  for (const block of text.split(/\n\s*\n|\n(?=\s*(?:[-*#>]|\d+[.)])\s)/)) {
    let pending = '';
    for (const piece of block
      .replace(/\s+/g, ' ')
      .trim()
      .split(/(?<=[.!?]["'”’)]?)\s+|(?<=[。！？])/u)) {
      pending = pending === '' ? piece : `${pending} ${piece}`;
      if (abbreviation.test(pending)) continue;
      if (pending !== '') sentences.push(pending);
      pending = '';
    }
    if (pending !== '') sentences.push(pending);
  }
  return sentences;
}
