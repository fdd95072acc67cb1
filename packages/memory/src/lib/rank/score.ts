import { ranking } from './constants.ts';
import { feature } from './features.ts';
import type { IndexState, LexicalIndex } from './lexical-index.ts';
import type { Question, TermGroup } from './question.ts';

export interface ScoreFilter {
  /** Documents for which this is false are not in the answer. */
  accepts(doc: number): boolean;
}

export interface Scored {
  readonly doc: number;
  readonly score: number;
  readonly why: Record<string, number>;
}

/** Working memory of the scorer, reused between queries of one index. */
export class Scratch {
  total = new Float32Array(0);
  group = new Float32Array(0);
  docs = new Int32Array(0);
  sessionTotal = new Float32Array(0);
  sessionGroup = new Float32Array(0);
  sessionSpoken = new Uint8Array(0);

  fit(docs: number, sessions: number): void {
    if (this.total.length < docs) {
      const size = Math.ceil(docs * 1.5) + 64;
      this.total = new Float32Array(size);
      this.group = new Float32Array(size);
      this.docs = new Int32Array(size);
    }
    if (this.sessionTotal.length < sessions) {
      const size = Math.ceil(sessions * 1.5) + 64;
      this.sessionTotal = new Float32Array(size);
      this.sessionGroup = new Float32Array(size);
      this.sessionSpoken = new Uint8Array(size);
    }
  }
}

export interface WordScores {
  /** Documents with a score, in no order; valid until the next query. */
  readonly docs: Int32Array;
  readonly total: Float32Array;
  readonly sessions: Float32Array;
  readonly best: number;
  readonly bestSession: number;
}

/**
 * BM25F over a turn and its neighbours (BM25: Robertson and Zaragoza 2009, formula 3.15; a neighbour's words count as a field of
 * low weight), plus BM25 of whole sessions. The words that stand for one word of the question saturate together.
 */
export function scoreWords(index: LexicalIndex, question: Question, scratch: Scratch): WordScores {
  const { state } = index;
  const docs = index.size;
  const sessions = state.sessionLength.length;
  scratch.fit(docs, sessions);
  scratch.total.fill(0, 0, docs);
  scratch.sessionTotal.fill(0, 0, sessions);
  for (const group of question.groups) scoreGroup(state, group, scratch);
  let count = 0;
  let best = 0;
  for (let doc = 0; doc < docs; doc += 1) {
    const value = scratch.total[doc] ?? 0;
    if (value <= 0) continue;
    scratch.docs[count] = doc;
    count += 1;
    if (value > best) best = value;
  }
  let bestSession = 0;
  for (let session = 0; session < sessions; session += 1)
    bestSession = Math.max(bestSession, scratch.sessionTotal[session] ?? 0);
  return {
    docs: scratch.docs.subarray(0, count),
    total: scratch.total,
    sessions: scratch.sessionTotal,
    best,
    bestSession,
  };
}

function scoreGroup(state: IndexState, group: TermGroup, scratch: Scratch): void {
  const idf = groupIdf(state, group);
  if (idf === 0) return;
  const touched: number[] = [];
  const touchedSessions: number[] = [];
  for (const { term, weight } of group.terms)
    addPostings(state, scratch, { term, weight, idf, isName: group.isName, touched, touchedSessions });
  finishTurns(state, scratch, touched, idf * group.importance);
  finishSessions(state, scratch, touchedSessions, group.importance);
}

/** Rarity of the asked word itself; of the rarest stand-in, weighted, when the store never uses the word. */
function groupIdf(state: IndexState, group: TermGroup): number {
  let found = 0;
  for (const { term, weight } of group.terms) {
    const own = idfOf(state, term);
    if (weight === 1 && own > 0) return own;
    found = Math.max(found, own * Math.sqrt(weight));
  }
  return found;
}

function idfOf(state: IndexState, term: string): number {
  const frequency = state.postings.get(term)?.docs.length ?? 0;
  if (frequency === 0) return 0;
  return Math.log(1 + (state.ids.length - frequency + 0.5) / (frequency + 0.5));
}

interface PostingsPass {
  readonly term: string;
  readonly weight: number;
  readonly idf: number;
  readonly isName: boolean;
  readonly touched: number[];
  readonly touchedSessions: number[];
}

function addPostings(state: IndexState, scratch: Scratch, pass: PostingsPass): void {
  const posting = state.postings.get(pass.term);
  if (!posting) return;
  // A stand-in that is everywhere says less than the word it stands for.
  const scale = pass.weight === 1 ? 1 : pass.weight * Math.min(1, idfOf(state, pass.term) / pass.idf);
  const { values: session } = state.columns.session;
  const { values: live } = state.columns.live;
  const { values: features } = state.columns.features;
  const { group, sessionGroup } = scratch;
  const { touched, touchedSessions } = pass;
  const last = state.ids.length - 1;
  const add = (doc: number, amount: number): void => {
    if (group[doc] === 0) touched.push(doc);
    group[doc] = (group[doc] ?? 0) + amount;
  };
  const spread = (doc: number, own: number, near: number, asks: number): void => {
    for (
      let step = 1;
      step <= ranking.turnsAfter.length && doc + step <= last && session[doc + step] === own;
      step += 1
    ) {
      add(
        doc + step,
        near * weightAfter(step, asks, pass.isName && ((features[doc + step] ?? 0) & feature.refers) !== 0),
      );
    }
    for (
      let step = 1;
      step <= ranking.turnsBefore.length && doc - step >= 0 && session[doc - step] === own;
      step += 1
    ) {
      add(doc - step, near * (ranking.turnsBefore[step - 1] ?? 0));
    }
  };
  for (let at = 0; at < posting.docs.length; at += 1) {
    const doc: number = posting.docs.values[at] ?? 0;
    if (live[doc] === 0) continue;
    const amount = scale * (posting.counts.values[at] ?? 0);
    add(doc, amount);
    const own = session[doc] ?? -1;
    if (own < 0) continue;
    if (sessionGroup[own] === 0) touchedSessions.push(own);
    sessionGroup[own] = (sessionGroup[own] ?? 0) + amount;
    const near = Math.min(amount, scale);
    spread(doc, own, near, (features[doc] ?? 0) & feature.asks);
  }
}

/** What a word is worth to the turn `step` places after it. */
function weightAfter(step: number, asks: number, refers: boolean): number {
  const weight = step === 1 && asks ? ranking.previousQuestion : (ranking.turnsAfter[step - 1] ?? 0);
  return refers ? Math.max(weight, ranking.namedBefore[step - 1] ?? 0) : weight;
}

function finishTurns(state: IndexState, scratch: Scratch, touched: readonly number[], idf: number): void {
  const { group, total } = scratch;
  const { values: length } = state.columns.length;
  const { saturation, lengthNorm } = ranking;
  const average = state.totalLength / Math.max(1, state.liveCount);
  for (const doc of touched) {
    const count = group[doc] ?? 0;
    group[doc] = 0;
    const norm = saturation * (1 - lengthNorm + (lengthNorm * (length[doc] ?? 0)) / average);
    total[doc] = (total[doc] ?? 0) + (idf * count * (saturation + 1)) / (count + norm);
  }
}

function finishSessions(state: IndexState, scratch: Scratch, touched: readonly number[], importance: number): void {
  const { sessionGroup, sessionTotal } = scratch;
  const { values: length } = state.sessionLength;
  const { saturation, sessionLengthNorm } = ranking;
  const sessions = state.sessionLength.length;
  const average = state.totalLength / Math.max(1, sessions);
  const idf = importance * Math.log(1 + (sessions - touched.length + 0.5) / (touched.length + 0.5));
  for (const session of touched) {
    const count = sessionGroup[session] ?? 0;
    sessionGroup[session] = 0;
    const norm = saturation * (1 - sessionLengthNorm + (sessionLengthNorm * (length[session] ?? 0)) / average);
    sessionTotal[session] = (sessionTotal[session] ?? 0) + (idf * count * (saturation + 1)) / (count + norm);
  }
}
