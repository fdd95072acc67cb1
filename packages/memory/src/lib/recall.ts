import type { Engine } from './engine.ts';
import type { NamespaceIndex } from './index-set.ts';
import type { MemoryAnswer, MemoryRecallOptions, Recalled } from './memory.ts';
import { cleanText, defaultNamespace, inputError, parseTime } from './memory-input.ts';
import { ranking } from './rank/constants.ts';
import { documentFilter } from './rank/filter.ts';
import { proximity } from './rank/proximity.ts';
import { type Question, readQuestion } from './rank/question.ts';
import { rank } from './rank/rank.ts';
import type { Scored } from './rank/score.ts';
import type { StoredRecord } from './store/record.ts';
import { fold } from './text/tokenize.ts';

const defaultK = 10;
const maxK = 1_000;
const dayMs = 86_400_000;

/**
 * The memories that answer a query, best first. Candidates come from the words and, with an embedder, from vectors; one scorer
 * orders them. Never rejects because an embedder failed: the answer then says `degraded`.
 */
export async function recall(engine: Engine, query: string, options: MemoryRecallOptions = {}): Promise<MemoryAnswer> {
  const startedAt = engine.clock.elapsed();
  options.signal?.throwIfAborted();
  const k = checkK(options.k);
  const namespace = options.namespace ?? defaultNamespace;
  const text = cleanText(query);
  const target = await engine.indexes.current(namespace);
  const similar = await engine.vectors?.search({
    namespace,
    query: text,
    target,
    k: Math.max(k, ranking.inspected),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const { question, scored } = rankDocuments(engine, {
    text,
    target,
    options,
    k,
    ...(similar?.byDoc ? { vectors: similar.byDoc } : {}),
  });
  const items = await present(engine, { namespace, target, question, k, scored, options });
  for (const { id } of items) target.accesses.set(id, (target.accesses.get(id) ?? 0) + 1);
  return {
    items,
    tookMs: engine.clock.elapsed() - startedAt,
    ...(similar?.degraded === undefined ? {} : { degraded: similar.degraded }),
  };
}

function checkK(k: number | undefined): number {
  if (k === undefined) return defaultK;
  if (Number.isInteger(k) && k > 0) return Math.min(k, maxK);
  throw inputError('k', k, `Pass a whole number from 1 to ${maxK}.`);
}

interface RankingPass {
  readonly text: string;
  readonly target: NamespaceIndex;
  readonly options: MemoryRecallOptions;
  readonly k: number;
  readonly vectors?: ReadonlyMap<number, number>;
}

function rankDocuments(engine: Engine, pass: RankingPass): { question: Question; scored: Scored[] } {
  const { target, options, vectors } = pass;
  const now = parseTime(options.now, 'now') ?? engine.clock.now();
  const question = readQuestion(pass.text, {
    index: target.index,
    now: options.now === undefined ? anchor(target, now) : now,
    ...(target.associations ? { associations: target.associations } : {}),
  });
  const scored = rank({
    index: target.index,
    question,
    filter: documentFilter(target.index, options),
    scratch: target.scratch,
    limit: Math.max(pass.k, ranking.inspected),
    now,
    ...(vectors ? { vectors } : {}),
    accesses: target.accesses,
  });
  return { question, scored };
}

/** "Last month" means the last month that is remembered when nothing was remembered for two months. */
function anchor({ index }: NamespaceIndex, now: number): number {
  const times = index.state.columns.time;
  let latest = Number.NEGATIVE_INFINITY;
  for (let doc = 0; doc < times.length; doc += 1) {
    const time = times.values[doc] ?? Number.NaN;
    if (time > latest && time <= now) latest = time;
  }
  return latest > 0 && now - latest > 60 * dayMs ? latest + dayMs : now;
}

interface Presentation {
  readonly namespace: string;
  readonly target: NamespaceIndex;
  readonly question: Question;
  readonly k: number;
  readonly scored: readonly Scored[];
  readonly options: MemoryRecallOptions;
}

/** Reads the records of the best candidates, looks at how near the words are, and cuts to `k` and the token budget. */
async function present(engine: Engine, input: Presentation): Promise<Recalled[]> {
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
function spreadOverSessions(found: { readonly doc: number; score: number; readonly record: StoredRecord }[], { index }: NamespaceIndex): void {
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
