import { describeThrown } from '@genie/core/errors';
import type { Engine } from '../engine.ts';
import type { ConsolidateOptions, ConsolidateReceipt } from '../memory.ts';
import { cleanText, inputError, namespaceOf } from '../memory-input.ts';
import { orAbort } from '../or-abort.ts';
import { isConflict } from '../retry-on-conflict.ts';
import type { StoredRecord } from '../store/record.ts';
import { textsOf } from '../tiers/episodes.ts';
import { apply } from './apply.ts';
import { detectPatterns } from './detect-patterns.ts';
import { learnAssociations } from './learn-associations.ts';
import type { Operation } from './operation.ts';
import { proposeMerges } from './propose-merges.ts';
import { groupsToSummarise, proposeQuietSummaries, summaryRecord } from './propose-summaries.ts';
import { validateOperations } from './validate.ts';

const defaultBudgetMs = 5_000;
const defaultLossBound = 0.8;
const pageSize = 5_000;
/** Longer than a large model on a small machine takes for ten findings. */
const summaryTimeoutMs = 120_000;
/** Being found once is chance. */
const fewestAccesses = 3;

interface Pass {
  readonly engine: Engine;
  readonly namespace: string;
  readonly options: ConsolidateOptions;
  readonly isOver: () => boolean;
  readonly until: number;
  readonly refused: string[];
}

/**
 * Tidies a namespace: embeds what waits, hides repetitions behind one survivor, detects patterns, adjusts importance, learns which words
 * belong together, and, with `summarise`, writes summaries beside their sources. Everything that changes records is one validated
 * commit with the state before it, so it happens as a whole and can be rolled back. No source is ever deleted.
 */
export async function consolidate(engine: Engine, options: ConsolidateOptions = {}): Promise<ConsolidateReceipt> {
  const startedAt = engine.clock.elapsed();
  const lossBound = options.lossBound ?? defaultLossBound;
  if (!(lossBound > 0 && lossBound <= 1)) throw inputError('lossBound', lossBound, 'Pass a number above 0, up to 1.');
  const until = startedAt + (options.budgetMs ?? defaultBudgetMs);
  const pass: Pass = {
    engine,
    options,
    until,
    namespace: namespaceOf(options.namespace),
    refused: [],
    isOver: () => options.signal?.aborted === true || engine.clock.elapsed() >= until,
  };
  options.signal?.throwIfAborted();
  const embedded = await drainEmbeddings(pass);
  const records = await readLive(pass);
  const proposed = records ? await propose(pass, records) : [];
  const { accepted, refused: invalid } = validateOperations(proposed, lossBound, records?.length ?? 0);
  const refused = [...pass.refused, ...invalid];
  options.signal?.throwIfAborted();
  const applied = await apply(engine, pass.namespace, accepted).catch((error: unknown) => {
    // Somebody wrote to the same records meanwhile; what they wrote counts, and the next pass sees it.
    if (isConflict(error)) return undefined;
    throw error;
  });
  if (accepted.length > 0 && applied === undefined) refused.push('records changed meanwhile');
  const done = applied === undefined ? [] : accepted;
  const learnt = await learnWords(pass);
  await engine.indexes.save();
  await engine.scrubber.flush();
  const count = (kind: Operation['kind']): number => done.filter((one) => one.kind === kind).length;
  return {
    ...(applied === undefined ? {} : { operationId: applied }),
    merged: done.reduce((sum, one) => sum + (one.kind === 'merge' ? one.merged.length : 0), 0),
    patterns: count('pattern'),
    rescored: count('rescore'),
    summaries: count('summary'),
    embedded,
    refused,
    tookMs: engine.clock.elapsed() - startedAt,
    complete: records !== undefined && learnt,
  };
}

async function drainEmbeddings({ engine, namespace, options, until, refused }: Pass): Promise<number> {
  try {
    return (
      (await engine.vectors?.drain(namespace, { until, ...(options.signal ? { signal: options.signal } : {}) })) ?? 0
    );
  } catch (error) {
    options.signal?.throwIfAborted();
    refused.push(`embedding: ${describeThrown(error)}`);
    return 0;
  }
}

/** All live records, or undefined when the budget ended first: half a view would see repetitions where there are none. */
async function readLive({ engine, namespace, isOver }: Pass): Promise<StoredRecord[] | undefined> {
  const records: StoredRecord[] = [];
  for (let afterSeq = 0; ; ) {
    if (isOver()) return undefined;
    const page = await engine.store.find({ namespace, status: ['live'], afterSeq, limit: pageSize });
    records.push(...page);
    if (page.length < pageSize) return records;
    afterSeq = page.at(-1)?.seq ?? afterSeq;
  }
}

async function propose(pass: Pass, records: readonly StoredRecord[]): Promise<Operation[]> {
  const { engine, namespace } = pass;
  const now = engine.clock.now();
  const episodes = records.filter(({ tier }) => tier === 'episodic');
  const byId = new Map(records.map((record) => [record.id, record]));
  const memories = records.filter(({ tier }) => tier === 'associative');
  const patterns = detectPatterns({ namespace, now, episodes, memories }).flatMap((record): Operation[] => {
    const before = byId.get(record.id);
    if (before && before.text === record.text && before.confidence === record.confidence) return [];
    const from = textsOf(record.data?.from).flatMap((id) => byId.get(id) ?? []);
    // Forgetting touches the episodes of the runs it reaches, so they stand for everything that was found in them.
    return [{ kind: 'pattern', record, sources: from.length > 0 ? from : episodes, ...(before ? { before } : {}) }];
  });
  return [
    ...proposeMerges(records),
    ...proposeQuietSummaries(episodes, { namespace, now }),
    ...patterns,
    ...(await rescores(engine, namespace, byId)),
    ...(await summaries(pass, records)),
  ];
}

/** Recalled memories gain a little importance, never above 0.95, so that use shows and does not take over. */
async function rescores(
  engine: Engine,
  namespace: string,
  byId: ReadonlyMap<string, StoredRecord>,
): Promise<Operation[]> {
  const { accesses } = await engine.indexes.current(namespace);
  return [...accesses].flatMap(([id, times]): Operation[] => {
    if (times < fewestAccesses) return [];
    const record = byId.get(id);
    const importance = Math.min(
      0.95,
      Math.round(((record?.importance ?? 0) + 0.02 * Math.log2(1 + times)) * 1_000) / 1_000,
    );
    return record && record.tier === 'associative' && importance > record.importance
      ? [{ kind: 'rescore', record, importance }]
      : [];
  });
}

async function summaries(pass: Pass, records: readonly StoredRecord[]): Promise<Operation[]> {
  const { engine, namespace, options, isOver, refused } = pass;
  if (!options.summarise) return [];
  const done = new Set(records.filter(({ kind }) => kind === 'summary').flatMap(({ data }) => textsOf(data?.from)));
  const operations: Operation[] = [];
  for (const sources of groupsToSummarise(
    records.filter(({ kind }) => kind === 'finding'),
    done,
  )) {
    if (isOver()) break;
    try {
      const text = await askForSummary(options, sources);
      operations.push({
        kind: 'summary',
        record: summaryRecord(text, sources, { namespace, now: engine.clock.now() }),
        sources,
        retire: false,
      });
    } catch (error) {
      options.signal?.throwIfAborted();
      refused.push(`a summary failed: ${describeThrown(error)}`);
    }
  }
  return operations;
}

/** The words of the summary. A model that ignores its signal does not hold up consolidation. */
async function askForSummary(
  { summarise, signal: asked }: ConsolidateOptions,
  sources: readonly StoredRecord[],
): Promise<string> {
  const limit = AbortSignal.timeout(summaryTimeoutMs);
  const signal = asked ? AbortSignal.any([asked, limit]) : limit;
  const texts = sources.map((source) => source.text);
  const text: unknown = await orAbort(Promise.resolve(summarise?.(texts, { signal })), signal);
  if (typeof text !== 'string') throw new Error(`it is ${text === null ? 'null' : typeof text}, not a text`);
  const longest = texts.reduce((sum, one) => sum + one.length, 0) * 2;
  if (text.length > longest) throw new Error(`it is more than twice as long as its ${texts.length} sources together`);
  return cleanText(text);
}

async function learnWords({ engine, namespace, isOver }: Pass): Promise<boolean> {
  const target = await engine.indexes.current(namespace);
  target.accesses.clear();
  const associations = learnAssociations(target.index, isOver);
  if (associations) {
    target.associations = associations;
    target.dirty = true;
  }
  return associations !== undefined;
}
