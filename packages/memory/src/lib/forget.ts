import type { JsonObject, JsonValue } from '@genie/core/ports';
import { contentOf } from './consolidate/operation.ts';
import type { Engine } from './engine.ts';
import { keyEntities } from './entities.ts';
import { episodeId } from './learn.ts';
import type { ForgetReceipt, ForgetSelector, WithSignal } from './memory.ts';
import { checkName, checkString, checkStrings, inputError, namespaceOf } from './memory-input.ts';
import { readBetween } from './rank/filter.ts';
import { type Redaction, redactRun } from './redact-run.ts';
import { retryOnConflict } from './retry-on-conflict.ts';
import type { MemoryRecord, StoredRecord } from './store/record.ts';
import type { OutboxEntry, RecordQuery } from './store/record-store.ts';
import { waitingEntries } from './store/waiting-entries.ts';
import { tokenize } from './text/tokenize.ts';
import { textsOf } from './tiers/episodes.ts';

const pageSize = 5_000;

export interface ForgetOptions extends WithSignal {
  readonly dryRun?: boolean;
}

/**
 * Removes memories from every tier, index, cache, log and queue, and keeps keyed hashes of them so that learning the same source
 * again does not bring them back. Derived records (versions, merged duplicates, summaries, patterns) go with their sources.
 */
export async function forget(
  engine: Engine,
  selector: ForgetSelector,
  options: ForgetOptions = {},
): Promise<ForgetReceipt> {
  options.signal?.throwIfAborted();
  checkSelector(selector);
  const namespace = namespaceOf(selector.namespace);
  const dryRun = options.dryRun === true;
  const found = new Map<string, StoredRecord>();
  let working = 0;
  let scrubbed = false;
  // Who writes a new text to one of them meanwhile leaves the old one behind as a version, which has to go too: then it is selected again.
  await retryOnConflict(async () => {
    const records = await withDerived(engine, namespace, await select(engine, namespace, selector, options.signal));
    for (const record of records) found.set(record.id, record);
    if (records.length === 0) return;
    working += await engine.working.redact(textMatcher(records), dryRun);
    if (!dryRun) {
      const removal = { namespace, records, runs: runsOf(records) };
      scrubbed = await engine.historyMutex(() => removeEverywhere(engine, removal));
    }
  });
  const counts: Record<string, number> = { working, history: runsOf([...found.values()]).length };
  for (const { tier } of found.values()) counts[tier] = (counts[tier] ?? 0) + 1;
  return {
    receiptId: engine.ids.next('forget'),
    dryRun,
    ids: [...found.keys()],
    counts,
    at: engine.clock.now(),
    scrubbed,
  };
}

function runsOf(records: readonly StoredRecord[]): string[] {
  return [...new Set(records.flatMap((record) => record.runId ?? []))];
}

function checkSelector(selector: ForgetSelector): void {
  if (typeof selector !== 'object' || selector === null)
    throw inputError('forget selector', selector, 'Pass an object such as { id } or { query }.');
  const { ids, id, query, source, subject, runId, all } = selector;
  if (ids !== undefined) checkStrings(ids, 'ids');
  if (id !== undefined) checkName(id, 'id');
  for (const [field, value] of Object.entries({ query, source, subject, runId }))
    if (value !== undefined) checkString(value, field);
  if (all !== undefined && typeof all !== 'boolean') throw inputError('all', all, 'Pass true, or leave it out.');
}

async function select(
  engine: Engine,
  namespace: string,
  selector: ForgetSelector,
  signal?: AbortSignal,
): Promise<StoredRecord[]> {
  const ids = [...(selector.ids ?? []), ...(selector.id === undefined ? [] : [selector.id])];
  if (ids.length > 0) return [...(await engine.store.get(namespace, [...new Set(ids)]))];
  const between = readBetween(selector.between);
  const terms = selector.query === undefined ? undefined : new Set(tokenize(selector.query));
  if (terms?.size === 0)
    throw inputError('query', selector.query, 'Pass at least one word that is not a stop word, or select by id.');
  if (
    !between &&
    !terms &&
    selector.source === undefined &&
    selector.subject === undefined &&
    selector.runId === undefined &&
    !selector.all
  ) {
    throw inputError(
      'forget selector',
      JSON.stringify(selector),
      'Name ids, a query, a source, a time range, a subject, a run, or all: true.',
    );
  }
  const query: RecordQuery = {
    namespace,
    ...(selector.source === undefined ? {} : { source: selector.source }),
    ...(selector.subject === undefined ? {} : { subject: selector.subject }),
    ...(selector.runId === undefined ? {} : { runId: selector.runId }),
    ...(between ? { between } : {}),
  };
  const found: StoredRecord[] = [];
  for (let afterSeq = 0; ; ) {
    signal?.throwIfAborted();
    const page = await engine.store.find({ ...query, afterSeq, limit: pageSize });
    found.push(...(terms ? page.filter((record) => hasAll(record, terms)) : page));
    if (page.length < pageSize) return found;
    afterSeq = page.at(-1)?.seq ?? afterSeq;
  }
}

function hasAll(record: StoredRecord, terms: ReadonlySet<string>): boolean {
  const own = new Set(tokenize(record.text));
  return [...terms].every((term) => own.has(term));
}

/** Older versions, merged duplicates, and what was derived from the records. */
async function withDerived(
  engine: Engine,
  namespace: string,
  chosen: readonly StoredRecord[],
): Promise<StoredRecord[]> {
  const all = new Map(chosen.map((record) => [record.id, record]));
  if (all.size === 0) return [];
  const retired = await engine.store.find({ namespace, status: ['superseded', 'merged'] });
  const derived = await engine.store.find({ namespace, tiers: ['episodic', 'proactive', 'knowledge', 'core'] });
  const candidates = [...retired, ...derived];
  for (let before = -1; before !== all.size; ) {
    before = all.size;
    for (const record of candidates) {
      const isVersion = record.status !== 'live' && all.has(record.retiredBy ?? '');
      // What was detected over many memories may rest on a forgotten one; the next consolidation detects it anew without it.
      const isDetected = record.tier === 'proactive' && record.data?.detected === true && record.kind !== 'due';
      if (isVersion || isDetected || textsOf(record.data?.from).some((id) => all.has(id))) all.set(record.id, record);
    }
  }
  return [...all.values()];
}

/** True for texts that repeat something forgotten. Very short texts match only as a whole. */
function textMatcher(records: readonly MemoryRecord[]): (text: string) => boolean {
  const needles = records.map(({ text }) => text.trim()).filter((text) => text.length >= 12);
  const ids = new Set(records.map(({ id }) => id));
  const escaped = needles.map((text) => JSON.stringify(text).slice(1, -1));
  return (text) =>
    ids.has(text) || needles.some((one) => text.includes(one)) || escaped.some((one) => text.includes(one));
}

interface Removal {
  readonly namespace: string;
  readonly records: readonly StoredRecord[];
  readonly runs: readonly string[];
}

/** Returns true when the bytes on disk are overwritten already. */
async function removeEverywhere(engine: Engine, { namespace, records, runs }: Removal): Promise<boolean> {
  const gone = new Set(records.map(({ id }) => id));
  const isGone = textMatcher(records);
  const operations = await cleanedOperations(engine, namespace, gone);
  await engine.vectors?.forget(namespace, [...gone]);
  // Copies before the records: after a crash in between, forgetting again still finds the records and with them all copies.
  for (const operation of operations) await engine.store.commit({ namespace, operation });
  for (const runId of runs) {
    if (gone.has(episodeId(runId))) await engine.history.remove(runId);
    else await redactHistory(engine, runId, { gone, isGone });
  }
  const episodes = await cleanedEpisodes(engine, { namespace, gone, runs });
  const pending = await pendingHistory(engine, { namespace, gone, runs, isGone });
  for (let start = 0; start < records.length; start += pageSize) {
    const part = records.slice(start, start + pageSize);
    const cleaned = start === 0 ? episodes : [];
    await engine.store.commit({
      namespace,
      remove: part.map(({ id }) => id),
      forget: part.flatMap((record) => engine.fingerprints.of(record)),
      put: cleaned.map(contentOf),
      // Another process may forget something else of the same run: neither may write back what the other took out.
      expect: [...part, ...cleaned].map(({ id, revision }) => ({ id, revision })),
      ...(start === 0 ? pending : {}),
    });
  }
  await engine.indexes.purge(namespace);
  return engine.scrubber.request();
}

/** Episodes of the runs lose the items and the names that came from them. */
async function cleanedEpisodes(
  engine: Engine,
  { namespace, gone, runs }: { namespace: string; gone: ReadonlySet<string>; runs: readonly string[] },
): Promise<StoredRecord[]> {
  const cleaned: StoredRecord[] = [];
  for (const runId of runs) {
    const ofRun = await engine.store.find({ namespace, runId });
    const texts = ofRun.filter(({ id, tier }) => tier === 'associative' && !gone.has(id)).map(({ text }) => text);
    for (const episode of ofRun) {
      if (episode.tier !== 'episodic' || gone.has(episode.id)) continue;
      const items = textsOf(episode.data?.items).filter((id) => !gone.has(id));
      cleaned.push({ ...episode, data: { ...episode.data, items, entities: keyEntities(texts) } });
    }
  }
  return cleaned;
}

/** Roll-back data of consolidations lose the forgotten records. */
async function cleanedOperations(engine: Engine, namespace: string, gone: ReadonlySet<string>) {
  const operations = await engine.store.operations(namespace);
  return operations.flatMap((operation) => {
    const content = JSON.parse(operation.payload) as { before?: { id: string }[] } & JsonObject;
    const before = (content.before ?? []).filter(({ id }) => !gone.has(id));
    if (before.length === (content.before ?? []).length) return [];
    return [{ ...operation, payload: JSON.stringify({ ...content, before }) }];
  });
}

/** Logs that are not written yet: of a run that is forgotten as a whole they go, of others they are redacted. */
async function pendingHistory(
  engine: Engine,
  input: Redaction & { namespace: string; runs: readonly string[] },
): Promise<{ enqueue: OutboxEntry[]; dequeue: string[] }> {
  const waiting = await waitingEntries(engine.store, input.namespace, { kind: 'history' });
  const enqueue: OutboxEntry[] = [];
  const dequeue: string[] = [];
  for (const entry of waiting) {
    const runId = entry.id.slice('history:'.length);
    if (input.gone.has(episodeId(runId))) dequeue.push(entry.id);
    else if (input.runs.includes(runId)) {
      enqueue.push({ ...entry, payload: JSON.stringify(redactRun(JSON.parse(entry.payload) as JsonValue, input)) });
    }
  }
  return { enqueue, dequeue };
}

async function redactHistory(engine: Engine, runId: string, redaction: Redaction): Promise<void> {
  const run = await engine.history.read(runId);
  if (run !== undefined) await engine.history.write(runId, JSON.stringify(redactRun(run, redaction)));
}
