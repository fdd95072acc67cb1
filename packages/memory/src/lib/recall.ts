import type { Engine } from './engine.ts';
import type { NamespaceIndex } from './index-set.ts';
import type { MemoryAnswer, MemoryRecallOptions } from './memory.ts';
import { checkString, checkStrings, checkWhole, inputError, namespaceOf, parseTime } from './memory-input.ts';
import { present } from './present.ts';
import { ranking } from './rank/constants.ts';
import { documentFilter } from './rank/filter.ts';
import { type Question, readQuestion } from './rank/question.ts';
import { rank } from './rank/rank.ts';
import type { Scored } from './rank/score.ts';

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
  const namespace = namespaceOf(options.namespace);
  const text = checkString(query, 'query');
  checkOptions(options);
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

function checkOptions({ speakers, kinds, neighbours, tokenBudget, between }: MemoryRecallOptions): void {
  if (speakers !== undefined) checkStrings(speakers, 'speakers');
  if (kinds !== undefined) checkStrings(kinds, 'kinds');
  if (neighbours !== undefined) checkWhole(neighbours, 'neighbours');
  if (tokenBudget !== undefined && !(tokenBudget >= 0))
    throw inputError('tokenBudget', tokenBudget, 'Pass a number from 0.');
  if (between !== undefined && !(Array.isArray(between) && between.length === 2))
    throw inputError('between', between, 'Pass [from, to].');
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
