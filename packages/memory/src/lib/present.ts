import type { Engine } from './engine.ts';
import type { NamespaceIndex } from './index-set.ts';
import type { MemoryRecallOptions, Recalled } from './memory.ts';
import { ranking } from './rank/constants.ts';
import { proximity } from './rank/proximity.ts';
import type { Question } from './rank/question.ts';
import type { Scored } from './rank/score.ts';
import type { StoredRecord } from './store/record.ts';
import { fold } from './text/tokenize.ts';

export interface Presentation {
  readonly namespace: string;
  readonly target: NamespaceIndex;
  readonly question: Question;
  readonly k: number;
  readonly scored: readonly Scored[];
  readonly options: MemoryRecallOptions;
}

/** Reads the records of the best candidates, looks at how near the words are, and cuts to `k` and the token budget. */
export async function present(engine: Engine, input: Presentation): Promise<Recalled[]> {
  const { target, scored } = input;
  const ids = scored.map(({ doc }) => target.index.state.ids[doc] ?? '');
  const records = new Map((await engine.store.get(input.namespace, ids)).map((record) => [record.id, record]));
  const { terms } = input.question;
  const found = scored.flatMap(({ doc, score, why }) => {
    const record = records.get(target.index.state.ids[doc] ?? '');
    if (!record) return [];
    const near = terms.length > 1 ? proximity(terms, record.text) : 0;
    return [{ doc, record, score: score * (1 + ranking.proximity * near), why: { ...why, proximity: near } }];
  });
  found.sort((left, right) => right.score - left.score || left.doc - right.doc);
  demoteRepetitions(found);
  if (input.question.wantsList) spreadOverSessions(found, target);
  const items: Recalled[] = [];
  let budget = input.options.tokenBudget ?? Number.POSITIVE_INFINITY;
  for (const { doc, record, score, why } of found.slice(0, input.k)) {
    budget -= estimateTokens(record.text);
    if (budget < 0) continue;
    const neighbours = await readNeighbours(engine, input, doc);
    items.push({ ...toItem(record, score, why), ...(neighbours.length > 0 ? { neighbours } : {}) });
  }
  return items;
}

/** The same words said again say nothing new, so they make room for what does. Sorts again. */
function demoteRepetitions(found: { readonly doc: number; score: number; readonly record: StoredRecord }[]): void {
  const seen = new Set<string>();
  for (const one of found) {
    const text = fold(one.record.text).trim();
    if (seen.has(text)) one.score *= ranking.repetition;
    seen.add(text);
  }
  found.sort((left, right) => right.score - left.score || left.doc - right.doc);
}

/** The answer to a list is spread over time, so sessions take turns a little. Sorts again. */
function spreadOverSessions(
  found: { readonly doc: number; score: number; readonly record: StoredRecord }[],
  { index }: NamespaceIndex,
): void {
  const counts = new Map<number, number>();
  for (const one of found) {
    const session = index.state.columns.session.values[one.doc] ?? -1;
    if (session < 0) continue;
    const before = counts.get(session) ?? 0;
    one.score *= ranking.sameSession ** before;
    counts.set(session, before + 1);
  }
  found.sort((left, right) => right.score - left.score || left.doc - right.doc);
}

/** Four characters are about one token of English; enough for a budget. */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

async function readNeighbours(
  engine: Engine,
  input: Presentation,
  doc: number,
): Promise<{ id: string; text: string }[]> {
  const around = Math.min(10, input.options.neighbours ?? 0);
  if (around <= 0) return [];
  const { ids, columns } = input.target.index.state;
  const session = columns.session.values[doc] ?? -1;
  const near: string[] = [];
  for (let other = Math.max(0, doc - around); other <= Math.min(ids.length - 1, doc + around); other += 1) {
    if (other !== doc && session >= 0 && columns.session.values[other] === session && columns.live.values[other] === 1)
      near.push(ids[other] ?? '');
  }
  const records = await engine.store.get(input.namespace, near);
  return records.map(({ id, text }) => ({ id, text }));
}

export function toItem(record: StoredRecord, score: number, why: Readonly<Record<string, number>>): Recalled {
  return {
    id: record.id,
    text: record.text,
    kind: record.kind,
    tier: record.tier,
    score,
    why,
    provenance: {
      recordedAt: record.recordedAt,
      source: record.source,
      speaker: record.speaker,
      eventTime: record.eventTime,
      runId: record.runId,
      step: record.step,
      confidence: record.confidence,
    },
  };
}
