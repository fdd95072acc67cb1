import type { Finding } from './findings.ts';
import { isNumeric, sentencesOf, topicWords, wordsOf } from './words.ts';

export interface RankedFinding {
  readonly finding: Finding;
  /** The most informative sentence of it, as quoted from the source. */
  readonly sentence: string;
  /** 0 to 1: how little of it was reported before. */
  readonly novelty: number;
  /** 0 to 1: how much of the query's topic it holds. */
  readonly relevance: number;
}

/** At and above this share of known words a finding counts as reported before. */
const knownShare = 0.8;

/** Answers how much of a text was reported before, through an inverted index over the remembered texts. */
export interface KnownTexts {
  /** 1 for something new, 0 for something reported in these words or with this id. */
  novelty(finding: Pick<Finding, 'id' | 'title' | 'text'>): number;
}

export function indexKnown(known: readonly string[]): KnownTexts {
  const rowsByWord = new Map<string, number[]>();
  for (const [row, text] of known.entries()) {
    for (const word of new Set(wordsOf(text))) {
      const rows = rowsByWord.get(word);
      if (rows) rows.push(row);
      else rowsByWord.set(word, [row]);
    }
  }
  const all = known.join('\n');
  return {
    novelty({ id, title, text }) {
      if (known.length === 0) return 1;
      if (id.length >= 7 && !id.includes('#') && all.includes(id)) return 0;
      return 1 - knownPart(title === '' ? text.slice(0, 400) : title, rowsByWord);
    },
  };
}

/** The largest share of the words of `text` that one remembered text holds; a missing number or version halves it. */
function knownPart(text: string, rowsByWord: ReadonlyMap<string, readonly number[]>): number {
  const words = [...new Set(wordsOf(text))];
  if (words.length === 0) return 0;
  const hits = new Map<number, { all: number; numeric: number }>();
  let numeric = 0;
  for (const word of words) {
    if (isNumeric(word)) numeric += 1;
    for (const row of rowsByWord.get(word) ?? []) {
      const hit = hits.get(row) ?? { all: 0, numeric: 0 };
      hits.set(row, { all: hit.all + 1, numeric: hit.numeric + (isNumeric(word) ? 1 : 0) });
    }
  }
  let best = 0;
  for (const hit of hits.values()) {
    const share = hit.all / words.length;
    best = Math.max(best, hit.numeric < numeric ? share / 2 : share);
  }
  return best;
}

/**
 * Orders findings: those reported before are left out (unless `keepKnown`), the rest by
 * 0.5 relevance + 0.3 novelty + 0.2 recency. What holds every word of a term of `lookFor` comes before all that does not. Equal scores keep the order of the sources. The same input gives the same order.
 * The first `limit` get their most informative sentence.
 */
export function rankFindings(
  findings: readonly Finding[],
  options: {
    readonly query: string;
    readonly lookFor?: readonly string[];
    readonly known: readonly string[];
    readonly keepKnown?: boolean;
    readonly limit?: number;
  },
): readonly RankedFinding[] {
  const known = indexKnown(options.known);
  const query = new Set(topicWords(options.query));
  const terms = (options.lookFor ?? []).map(wordsOf).filter(({ length }) => length > 0);
  const distinct = withoutDuplicates(findings);
  const words = distinct.map((finding) => new Set(topicWords(`${finding.title} ${finding.text.slice(0, 2_000)}`)));
  const days = [...new Set(findings.map((finding) => finding.date ?? ''))].sort();
  const dayIndex = new Map(days.map((day, index) => [day, index]));
  const scored = distinct.flatMap((finding, order) => {
    const novelty = known.novelty(finding);
    if (novelty <= 1 - knownShare && !options.keepKnown) return [];
    const text = new Set(terms.length > 0 ? wordsOf(`${finding.title} ${finding.text.slice(0, 2_000)}`) : []);
    const isWanted = terms.some((term) => term.every((word) => text.has(word)));
    const relevance = isWanted ? 1 : shareOf(query, words[order] ?? new Set());
    const recency = days.length < 2 ? 1 : (dayIndex.get(finding.date ?? '') ?? 0) / (days.length - 1);
    const score = 0.5 * relevance + 0.3 * novelty + 0.2 * recency;
    return [{ finding, novelty, relevance, order, score: isWanted ? score + 1 : score }];
  });
  scored.sort((left, right) => right.score - left.score || left.order - right.order);
  const weights = weighWords(words);
  const shown = options.limit ?? scored.length;
  return scored.map(({ finding, novelty, relevance }, index) => ({
    finding,
    novelty,
    relevance,
    // Only what is shown needs its sentence.
    sentence: index < shown ? informativeSentence(finding, query, weights) : '',
  }));
}

/** The same thing from two sources, or twice from one, counts once. */
function withoutDuplicates(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Set<string>();
  return findings.filter((finding) => {
    const key = wordsOf(finding.title === '' ? finding.text : `${finding.title} ${finding.text.slice(0, 200)}`).join(
      ' ',
    );
    if (key !== '' && seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function shareOf(query: ReadonlySet<string>, words: ReadonlySet<string>): number {
  if (query.size === 0) return 0;
  let hits = 0;
  for (const word of query) if (words.has(word)) hits += 1;
  return hits / query.size;
}

/** Inverse document frequency: words that few findings share say most. */
function weighWords(sets: readonly ReadonlySet<string>[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const words of sets) for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const weights = new Map<string, number>();
  for (const [word, count] of counts) weights.set(word, Math.log(1 + sets.length / count));
  return weights;
}

/** Extractive: the sentence with the highest mean word weight, early and topical ones preferred. Notes too short for that are quoted in their order. */
function informativeSentence(
  finding: Finding,
  query: ReadonlySet<string>,
  weights: ReadonlyMap<string, number>,
): string {
  const title = new Set(topicWords(finding.title));
  let best = '';
  let bestScore = 0;
  for (const [position, sentence] of sentencesOf(finding.text.slice(0, 4_000)).slice(0, 40).entries()) {
    if (sentence.length < 20 || sentence.length > 400 || isBoilerplate(sentence)) continue;
    const words = topicWords(sentence);
    const fresh = words.filter((word) => !title.has(word));
    if (fresh.length < 3) continue;
    let score = 0;
    for (const word of fresh) score += (weights.get(word) ?? 1) * (query.has(word) ? 2 : 1);
    score = (score / Math.sqrt(words.length)) * (1 - Math.min(position, 10) * 0.04);
    if (score > bestScore) {
      best = sentence;
      bestScore = score;
    }
  }
  return best === '' ? shortNotes(finding) : best;
}

/** The lines under a title, e.g. `Try a lamp; Buy bulbs`, as far as 160 characters go. */
function shortNotes({ title, text }: Finding): string {
  let notes = '';
  for (const sentence of sentencesOf(text.slice(0, 1_000))) {
    const note = sentence.replace(/^(?:[-*#>]+|\d+[.)])\s+/, '').trim();
    if (!/\p{L}/u.test(note) || note === title || isBoilerplate(note)) continue;
    const longer = notes === '' ? note : `${notes.replace(/[.;]$/, '')}; ${note}`;
    if (longer.length > 160) break;
    notes = longer;
  }
  return title.includes(notes) ? '' : notes;
}

function isBoilerplate(sentence: string): boolean {
  return /^(?:signed-off-by|co-authored-by|reviewed-by|change-id|cookie|subscribe|sign up|all rights reserved|copyright)\b/i.test(
    sentence,
  );
}
