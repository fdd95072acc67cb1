import { describeThrown } from '@genie/core/errors';
import type { JsonObject, JsonValue } from '@genie/core/ports';
import type { Engine } from '../engine.ts';
import type { ConsolidateOptions, ConsolidateReceipt } from '../memory.ts';
import { defaultNamespace, inputError } from '../memory-input.ts';
import { isConflict } from '../retry-on-conflict.ts';
import type { MemoryRecord, StoredRecord } from '../store/record.ts';
import { textsOf } from '../tiers/episodes.ts';
import { detectPatterns } from './detect-patterns.ts';
import { learnAssociations } from './learn-associations.ts';
import { contentOf, hashOf, type Operation } from './operation.ts';
import { proposeMerges } from './propose-merges.ts';
import { groupsToSummarise, proposeQuietSummaries, summaryRecord } from './propose-summaries.ts';
import { validateOperations } from './validate.ts';

const defaultBudgetMs = 5_000;
const defaultLossBound = 0.8;
const pageSize = 5_000;
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
    namespace: options.namespace ?? defaultNamespace,
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
    return [{ kind: 'pattern', record, ...(before ? { before } : {}) }];
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
      const text = await options.summarise(
        sources.map((source) => source.text),
        options.signal ? { signal: options.signal } : {},
      );
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

/** One commit. Returns the id under which it can be undone, or undefined when there was nothing to do. */
async function apply(engine: Engine, namespace: string, operations: readonly Operation[]): Promise<string | undefined> {
  if (operations.length === 0) return undefined;
  const now = engine.clock.now();
  const put = new Map<string, MemoryRecord>();
  const before = new Map<string, StoredRecord>();
  const change = (record: StoredRecord, to: Partial<MemoryRecord>): void => {
    if (!before.has(record.id)) before.set(record.id, record);
    put.set(record.id, { ...(put.get(record.id) ?? contentOf(record)), ...to });
  };
  for (const operation of operations) applyOne(operation, { now, put, change });
  const created = [...put.keys()].filter((id) => !before.has(id));
  const payload: JsonObject = {
    before: [...before.values()].map((record) => contentOf(record) as unknown as JsonValue),
    after: Object.fromEntries([...put].map(([id, record]) => [id, hashOf(record)])),
    created,
  };
  const id = engine.ids.next('op');
  await engine.store.commit({
    namespace,
    put: [...put.values()],
    fingerprintsOf: (record) => (created.includes(record.id) ? engine.fingerprints.of(record) : []),
    expect: [...before.values()].map((record) => ({ id: record.id, revision: record.revision })),
    operation: { id, at: now, kind: 'consolidate', payload: JSON.stringify(payload) },
  });
  return id;
}

interface Application {
  readonly now: number;
  readonly put: Map<string, MemoryRecord>;
  readonly change: (record: StoredRecord, to: Partial<MemoryRecord>) => void;
}

function applyOne(operation: Operation, { now, put, change }: Application): void {
  const retire = (records: readonly StoredRecord[], by: string): void => {
    for (const record of records) change(record, { status: 'merged', retiredAt: now, retiredBy: by });
  };
  if (operation.kind === 'merge') {
    const importance = Math.max(operation.survivor.importance, ...operation.merged.map((one) => one.importance));
    change(operation.survivor, { importance });
    retire(operation.merged, operation.survivor.id);
  } else if (operation.kind === 'summary') {
    put.set(operation.record.id, operation.record);
    if (operation.retire) retire(operation.sources, operation.record.id);
  } else if (operation.kind === 'pattern') {
    if (operation.before) change(operation.before, operation.record);
    else put.set(operation.record.id, operation.record);
  } else {
    change(operation.record, { importance: operation.importance });
  }
}

/**
 * Undoes a consolidation: changed records get their state from before, created ones go. A record that was changed or forgotten since is
 * left alone. Returns how many were restored or removed. Throws `GENIE_MEMORY_UNKNOWN` for an unknown operation.
 */
export async function rollBack(engine: Engine, operationId: string, namespace = defaultNamespace): Promise<number> {
  const [operation] = await engine.store.operations(namespace, operationId);
  if (!operation) throw inputError('operation id', operationId, 'Pass the operationId of a consolidation receipt.');
  if (operation.undoneAt !== undefined) return 0;
  const { before, after, created } = JSON.parse(operation.payload) as {
    before: MemoryRecord[];
    after: Record<string, string>;
    created: string[];
  };
  const present = new Map((await engine.store.get(namespace, Object.keys(after))).map((record) => [record.id, record]));
  const isUntouched = (id: string): boolean => {
    const record = present.get(id);
    return record !== undefined && hashOf(record) === after[id];
  };
  const restored = before.filter(({ id }) => isUntouched(id));
  const removed = created.filter(isUntouched);
  const touched = [...restored.map(({ id }) => id), ...removed];
  await engine.store.commit({
    namespace,
    put: restored,
    remove: removed,
    expect: touched.map((id) => ({ id, revision: present.get(id)?.revision ?? 0 })),
    operation: { ...operation, undoneAt: engine.clock.now() },
  });
  return touched.length;
}
