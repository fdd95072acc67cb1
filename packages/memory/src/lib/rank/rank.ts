import { BestDocs } from './best-docs.ts';
import { ranking } from './constants.ts';
import type { LexicalIndex } from './lexical-index.ts';
import type { Question } from './question.ts';
import { type Scored, type ScoreFilter, type Scratch, scoreWords } from './score.ts';

export interface RankInput {
  readonly index: LexicalIndex;
  readonly question: Question;
  readonly filter: ScoreFilter;
  readonly scratch: Scratch;
  readonly limit: number;
  readonly now: number;
  /** Cosine similarity by document, when there is an embedder. */
  readonly vectors?: ReadonlyMap<number, number>;
  /** How often a memory was recalled, by id. */
  readonly accesses?: ReadonlyMap<string, number>;
}

/** The best documents for a question, best first, each with the named parts of its score. */
export function rank(input: RankInput): Scored[] {
  const { index, question, filter, scratch } = input;
  const words = scoreWords(index, question, scratch);
  const heap = new BestDocs(input.limit);
  const spoken = markConversations(index, question, scratch);
  const factorOf = boostFor(index, question, spoken);
  const largestFactor = largestBoost(question) * ranking.highestModifier;
  const consider = (doc: number): void => {
    const base = baseScore(doc, words, input);
    // Most documents cannot come in whatever their boosts; looking no further at those is what keeps a large memory quick.
    if (base * largestFactor < heap.threshold || !filter.accepts(doc)) return;
    heap.offer(doc, base * factorOf(doc) * modifierFor(doc, input));
  };
  for (const doc of words.docs) consider(doc);
  for (const doc of input.vectors?.keys() ?? []) if ((words.total[doc] ?? 0) <= 0) consider(doc);
  // Memories of the time, or of the person, asked for are candidates even when they share no word with the question.
  if (question.spans.length > 0 || isAboutPersonOnly(question)) {
    for (let doc = 0; doc < index.size; doc += 1) {
      if (input.vectors?.has(doc) || (words.total[doc] ?? 0) > 0 || aloneScore(doc, input) === 0) continue;
      consider(doc);
    }
  }
  return heap.take().map(({ doc, score }) => ({
    doc,
    score,
    why: explain(doc, { words, input, spoken }),
  }));
}

type Words = ReturnType<typeof scoreWords>;

function baseScore(doc: number, words: Words, input: RankInput): number {
  const { index, vectors } = input;
  const turn = words.best > 0 ? (words.total[doc] ?? 0) / words.best : 0;
  return (
    turn +
    aloneScore(doc, input) +
    ranking.session * sessionPart(doc, words, index) +
    ranking.vector * (vectors?.get(doc) ?? 0)
  );
}

function isAboutPersonOnly(question: Question): boolean {
  return question.groups.length === 0 && question.speakers.size > 0;
}

/** What a memory scores for its time, or, when nothing else was asked, for its speaker. */
function aloneScore(doc: number, { index, question }: RankInput): number {
  if (dateFactor(doc, index, question) > 1) return ranking.dateAlone;
  const isSpeaker = question.speakers.has(index.state.columns.speaker.values[doc] ?? -1);
  return isSpeaker && isAboutPersonOnly(question) ? ranking.speakerAlone : 0;
}

function sessionPart(doc: number, words: Words, index: LexicalIndex): number {
  const session = index.state.columns.session.values[doc] ?? -1;
  return session >= 0 && words.bestSession > 0 ? (words.sessions[session] ?? 0) / words.bestSession : 0;
}

/** For each session whether a person of the question speaks in it. */
function markConversations(index: LexicalIndex, question: Question, scratch: Scratch): Uint8Array | undefined {
  if (question.speakers.size === 0) return undefined;
  const { session, speaker } = index.state.columns;
  scratch.sessionSpoken.fill(0);
  for (let doc = 0; doc < index.size; doc += 1) {
    const own = session.values[doc] ?? -1;
    if (own >= 0 && question.speakers.has(speaker.values[doc] ?? -1)) scratch.sessionSpoken[own] = 1;
  }
  return scratch.sessionSpoken;
}

function speakerFactor(doc: number, index: LexicalIndex, question: Question, spoken: Uint8Array | undefined): number {
  if (!spoken) return 1;
  const { session, speaker } = index.state.columns;
  if (question.speakers.has(speaker.values[doc] ?? -1)) return ranking.speaker;
  if (question.others.has(speaker.values[doc] ?? -1)) return ranking.otherSpeaker;
  const own = session.values[doc] ?? -1;
  return own >= 0 && speaker.values[doc] !== -1 && spoken[own] === 0 ? ranking.otherConversation : 1;
}

function dateFactor(doc: number, index: LexicalIndex, question: Question): number {
  if (question.spans.length === 0) return 1;
  const time = index.state.columns.time.values[doc] ?? Number.NaN;
  let factor = 1;
  for (const { from, to } of question.spans) {
    if (time >= from && time < to) return ranking.insideDate;
    if (time >= to && time < to + ranking.tellingDelayMs) factor = ranking.afterDate;
  }
  return factor;
}

function formFactor(doc: number, index: LexicalIndex, question: Question): number {
  const features = index.state.columns.features.values[doc] ?? 0;
  let factor = features & 1 ? ranking.onlyQuestion : 1;
  for (const { bit, factor: weight } of question.wanted) if (features & bit) factor *= weight;
  return factor;
}

/** No document can be boosted by more than this. */
function largestBoost({ speakers, spans, wanted }: Question): number {
  const speaker = speakers.size > 0 ? ranking.speaker : 1;
  const date = spans.length > 0 ? ranking.insideDate : 1;
  return wanted.reduce((product, { factor }) => product * Math.max(1, factor), speaker * date);
}

function boostFor(index: LexicalIndex, question: Question, spoken: Uint8Array | undefined): (doc: number) => number {
  return (doc) =>
    speakerFactor(doc, index, question, spoken) * dateFactor(doc, index, question) * formFactor(doc, index, question);
}

/** Importance, recency and access together: never below 0.7, never above 1.3, so they order and do not decide. */
export function modifierFor(
  doc: number,
  { index, now, accesses }: Pick<RankInput, 'index' | 'now' | 'accesses'>,
): number {
  const { columns, ids } = index.state;
  const time = columns.time.values[doc] ?? Number.NaN;
  const age = Math.max(0, now - (Number.isNaN(time) ? (columns.recordedAt.values[doc] ?? 0) : time));
  const importance = 1 + ranking.importance * ((columns.importance.values[doc] ?? 0.5) - 0.5) * 2;
  const recency = 1 + ranking.recency * 2 ** (-age / ranking.recencyHalfLifeMs);
  const used = accesses?.get(ids[doc] ?? '') ?? 0;
  const access = 1 + ranking.access * (1 - 1 / (1 + used));
  return Math.min(ranking.highestModifier, Math.max(ranking.lowestModifier, importance * recency * access));
}

function explain(
  doc: number,
  parts: { words: Words; input: RankInput; spoken: Uint8Array | undefined },
): Record<string, number> {
  const { words, input, spoken } = parts;
  const { index, question } = input;
  const why: Record<string, number> = {
    bm25: words.total[doc] ?? 0,
    session: sessionPart(doc, words, index),
    speaker: speakerFactor(doc, index, question, spoken),
    date: dateFactor(doc, index, question),
    form: formFactor(doc, index, question),
    importance: index.state.columns.importance.values[doc] ?? 0.5,
    recency: modifierFor(doc, input),
  };
  if (input.vectors) why.vector = input.vectors.get(doc) ?? 0;
  return why;
}
