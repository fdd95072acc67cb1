import { expandTerm } from '../text/lexicon.ts';
import { stopWords } from '../text/stop-words.ts';
import { findTimeSpans, type TimeSpan } from '../text/time-words.ts';
import { fold, tokenize, words } from '../text/tokenize.ts';
import { ranking } from './constants.ts';
import { feature } from './features.ts';
import type { LexicalIndex } from './lexical-index.ts';

export interface QueryTerm {
  readonly term: string;
  /** 1 for the word itself, less for words that stand for it. */
  readonly weight: number;
}

/** One word of the question with everything that may stand for it in an answer. */
export interface TermGroup {
  /** 1, or less for a word that says little about the topic. */
  readonly importance: number;
  /** A name, so that turns which only refer to it may be meant. */
  readonly isName: boolean;
  readonly terms: readonly QueryTerm[];
}

export interface Question {
  /** Stems of the topic, in order. */
  readonly terms: readonly string[];
  /** The answer is likely to be spread over several memories. */
  readonly wantsList: boolean;
  /** Empty when the question names no topic: then its people and times decide alone. */
  readonly groups: readonly TermGroup[];
  /** Numbers of the speakers asked about. */
  readonly speakers: ReadonlySet<number>;
  /** Numbers of the speakers that are named besides: to whom, about whom. */
  readonly others: ReadonlySet<number>;
  readonly spans: readonly TimeSpan[];
  /** Feature bits that an answer to this form of question tends to have, with their weights. */
  readonly wanted: readonly { readonly bit: number; readonly factor: number }[];
}

export interface QuestionContext {
  readonly index: LexicalIndex;
  /** What relative times are relative to, epoch ms. */
  readonly now: number;
  readonly associations?: ReadonlyMap<string, readonly QueryTerm[]>;
}

/** Longest query that is read, in UTF-16 units; a question is short, a pasted document is not searched word by word. */
const maxQueryLength = 4_000;
const maxGroups = 48;

/** Reads a question: its words, the people and times it names and the form of its answer. Any text is valid. */
export function readQuestion(query: string, context: QuestionContext): Question {
  const text = query.length > maxQueryLength ? query.slice(0, maxQueryLength) : query;
  const { speakers, others, names } = findSpeakers(text, context.index);
  const { topic, spans, timed } = readTopic(text, context.now);
  const named = namesIn(text);
  const terms = [...new Set(tokenize(topic))].slice(0, maxGroups);
  const topical = terms.filter((term) => !names.has(term));
  const kept = topical.filter((term) => !questionWords.has(term));
  const asked = kept.length > 0 ? kept : topical;
  return {
    terms: asked,
    wantsList: wantsList(fold(text)),
    groups: asked.map((term) => groupFor(term, { ...context, named: named.has(term), timed: timed.has(term) })),
    speakers,
    others,
    spans,
    wanted: wantedFeatures(fold(text)),
  };
}

/**
 * Words by which a question says what it wants, not what it is about. People do not use them when they tell, so in a conversation they are
 * rare and would count as important.
 */
const questionWords: ReadonlySet<string> = new Set(
  tokenize(
    `likely unlikely consider considered might probably possibly currently potential potentially various specific particular describe according
     attribute aspect reason way ways example purpose outcome happen happened happening involve involved related regarding approximately
     additional besides instead indicate suggest based conversation person someone different several certain following answer question`,
  ),
);

/** Words that go with any topic; they count, but less than what the topic is named by. */
const lightWords: ReadonlySet<string> = new Set(
  tokenize(
    `think feel want know go come give take make use need try see look find keep put become have do start stop plan decide time day week month
     year people person good new first last old big great recent recently current place long work tell share talk name call title`,
  ),
);

/** Turns of phrase that say what is asked, and the plain words for it: `do for a living` asks for a job. */
const phrases: readonly (readonly [RegExp, string])[] = [
  [/\b(?:do|does|did|doing) for (?:a living|work)\b/gi, 'job'],
  [/\bfor a living\b|\bline of work\b/gi, 'job'],
  [/\bhow old\b/gi, 'age'],
  [/\bhow (?:long|many|much|often|far|big|tall|soon|recently)\b/gi, ' '],
  [/\b(?:in|during|at|by|towards?) (?:the )?(?:early|mid|late|beginning of|start of|end of|middle of)\b/gi, 'in'],
];

/** The words that name the topic, and the times beside them. What only names a time counts little as a word: few texts repeat a date. */
function readTopic(text: string, now: number): { topic: string; spans: TimeSpan[]; timed: ReadonlySet<string> } {
  const topic = phrases.reduce((rest, [pattern, plain]) => rest.replace(pattern, plain), text);
  const spans = findTimeSpans(topic, now);
  const timed = spans.length > 0 ? new Set(tokenize(topic.match(timeWord)?.join(' ') ?? '')) : new Set<string>();
  return { topic, spans, timed };
}

const timeWord =
  /\b(?:\d{1,2}(?:st|nd|rd|th)?|(?:19|20)\d\d|january|february|march|april|may|june|july|august|september|october|november|december|spring|summer|autumn|fall|winter)\b/gi;

/** Stems of words that are written as names: with a capital, not at the beginning. */
function namesIn(text: string): ReadonlySet<string> {
  return new Set(tokenize((text.match(/(?<=[\p{L}\p{N},] )\p{Lu}\p{Ll}+/gu) ?? []).join(' ')));
}

/** "Which books", "what kinds of food", "how many times": a plural right after the question word. */
function wantsList(folded: string): boolean {
  if (/\b(what|which) (kinds?|types?|sorts?) of\b|\bhow many\b|\bin what ways\b/.test(folded)) return true;
  const noun = /^\W*(?:what|which)(?: (?!is|was|does|has|did|do|are|were|would|could)[a-z]+)? ([a-z]{3,}s)\b/.exec(
    folded,
  )?.[1];
  return noun !== undefined && !/(ss|us|is)$/.test(noun) && !['was', 'does', 'has'].includes(noun);
}

function groupFor(
  term: string,
  { associations, named, timed }: Pick<QuestionContext, 'associations'> & { named: boolean; timed: boolean },
): TermGroup {
  const group = new Map<string, number>();
  for (const { term: other, weight } of associations?.get(term) ?? []) group.set(other, weight);
  for (const { term: other, kind } of expandTerm(term)) {
    group.set(other, kind === 'synonym' ? ranking.synonym : ranking.categoryMember);
  }
  group.set(term, 1);
  return {
    importance: timed || lightWords.has(term) ? ranking.lightWord : 1,
    isName: named && !timed,
    terms: [...group].map(([other, weight]) => ({ term: other, weight })),
  };
}

interface NamedSpeakers {
  readonly speakers: ReadonlySet<number>;
  readonly others: ReadonlySet<number>;
  /** Stems of the names: they leave the topic of the question. */
  readonly names: ReadonlySet<string>;
}

/**
 * The speakers that a question names, by their whole name or its first word. The first one named, with those joined to it by "and", is who
 * the question is about (`What did Ann and Bo give Cy?` asks about Ann and Bo).
 */
function findSpeakers(text: string, index: LexicalIndex): NamedSpeakers {
  const asked = words(text).map((word) => word.replace(/['’].*$/, ''));
  const found: { number: number; at: number }[] = [];
  const names = new Set<string>();
  index.state.speakers.forEach((name, number) => {
    const parts = words(name).filter((part) => part.length > 1 && !stopWords.has(part));
    const at = parts[0] === undefined ? -1 : asked.indexOf(parts[0]);
    if (at < 0) return;
    found.push({ number, at });
    for (const part of parts) if (asked.includes(part)) for (const term of tokenize(part)) names.add(term);
  });
  found.sort((left, right) => left.at - right.at);
  const speakers = new Set<number>();
  let end = found[0]?.at ?? -1;
  for (const { number, at } of found) {
    const isJoined = at === end || (at - end <= 3 && asked.slice(end + 1, at).includes('and'));
    if (!isJoined) break;
    speakers.add(number);
    end = at;
  }
  const others = new Set(found.map(({ number }) => number).filter((number) => !speakers.has(number)));
  return { speakers, others, names };
}

function wantedFeatures(folded: string): Question['wanted'] {
  const wanted: { bit: number; factor: number }[] = [];
  if (
    /^\s*(when|since when|how long|how recently|what (date|day|month|year|time))\b|\b(what|which) (date|day|month|year|week|time)\b/.test(
      folded,
    )
  ) {
    wanted.push({ bit: feature.temporal, factor: ranking.temporalAnswer });
  }
  if (/\bhow (many|much|old|often|far|long|big|tall)\b/.test(folded))
    wanted.push({ bit: feature.numeric, factor: ranking.numericAnswer });
  if (
    /^\s*(who|where|which|whose|what (is|was|are) the names?)\b|\b(title|name|called|book|movie|song|city|country|state)\b/.test(
      folded,
    )
  ) {
    wanted.push({ bit: feature.named, factor: ranking.namedAnswer });
  }
  return wanted;
}
