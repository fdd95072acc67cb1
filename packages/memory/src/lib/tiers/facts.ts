import { createHash } from 'node:crypto';
import type { Engine } from '../engine.ts';
import type { CoreTier, Fact, FactOptions, FactQuery, KnowledgeInput, KnowledgeTier } from '../memory.ts';
import { checkName, cleanText, inputError, namespaceOf, parseTime } from '../memory-input.ts';
import { embedEntry } from '../remember.ts';
import { retryOnConflict } from '../retry-on-conflict.ts';
import type { MemoryRecord, StoredRecord } from '../store/record.ts';

/** Whom core facts are about unless they say otherwise. */
export const coreSubject = 'user';
const maxValueLength = 8_000;

interface FactScope extends FactQuery {
  readonly tier: 'core' | 'knowledge';
  readonly subject?: string;
  readonly relation?: string;
  readonly history?: boolean;
}

/** Facts that the store holds for true (`asOf`) about a moment in the world (`at`), oldest first. */
export async function listFacts(engine: Engine, scope: FactScope): Promise<Fact[]> {
  scope.signal?.throwIfAborted();
  const asOf = parseTime(scope.asOf, 'asOf');
  const at = parseTime(scope.at, 'at');
  const all = scope.history === true || asOf !== undefined || at !== undefined;
  const records = await engine.store.find({
    namespace: namespaceOf(scope.namespace),
    tiers: [scope.tier],
    ...(all ? {} : { status: ['live'] as const }),
    ...(scope.subject === undefined ? {} : { subject: scope.subject }),
    ...(scope.relation === undefined ? {} : { relation: scope.relation }),
  });
  return records
    .filter((record) => scope.history === true || isHeld(record, asOf, at))
    .sort((left, right) => left.recordedAt - right.recordedAt || rankOf(left) - rankOf(right) || left.seq - right.seq)
    .map(toFact);
}

/** Of two values of the same moment the present one came last. */
function rankOf(record: StoredRecord): number {
  return record.status === 'live' ? 1 : 0;
}

function isHeld(record: StoredRecord, asOf: number | undefined, at: number | undefined): boolean {
  const retiredAt = record.retiredAt ?? Number.POSITIVE_INFINITY;
  if (asOf !== undefined && (record.recordedAt > asOf || retiredAt <= asOf)) return false;
  if (at === undefined) return asOf !== undefined || record.status === 'live';
  if (startOf(record) > at || endOf(record, asOf !== undefined && retiredAt > asOf) <= at) return false;
  // A fact that was replaced is still the truth about the time before the replacement.
  return asOf !== undefined || record.retiredAt === undefined || record.data?.ended === true;
}

/** Until when it is true. `unaware`: seen from before it was replaced, when only its stated end was known. */
function endOf(record: StoredRecord, unaware: boolean): number {
  const stated = record.data?.ended === true && unaware ? record.data.statedEnd : record.validTo;
  return typeof stated === 'number' ? stated : Number.POSITIVE_INFINITY;
}

export function toFact(record: StoredRecord | MemoryRecord): Fact {
  return {
    id: record.id,
    subject: record.subject ?? coreSubject,
    key: record.relation ?? '',
    value: record.object ?? '',
    confidence: record.confidence,
    recordedAt: record.recordedAt,
    ...(record.validFrom === undefined ? {} : { validFrom: record.validFrom }),
    ...(record.validTo === undefined ? {} : { validTo: record.validTo }),
    ...(record.retiredAt === undefined ? {} : { retiredAt: record.retiredAt }),
    ...(record.source === undefined ? {} : { source: record.source }),
    ...(record.runId === undefined ? {} : { runId: record.runId }),
    ...(record.step === undefined ? {} : { step: record.step }),
  };
}

interface FactInput extends FactOptions {
  readonly tier: 'core' | 'knowledge';
  readonly subject: string;
  readonly relation: string;
  readonly object: string;
  readonly many?: boolean;
}

/**
 * Stores a statement. A live statement about the same subject and relation with another object is superseded: it ends where the new
 * one begins and stays readable. Repeats when another writer was faster, so no update is lost.
 */
export function putFact(engine: Engine, input: FactInput): Promise<Fact> {
  return retryOnConflict(() => putFactOnce(engine, input));
}

async function putFactOnce(engine: Engine, input: FactInput): Promise<Fact> {
  const namespace = namespaceOf(input.namespace);
  const stated = toRecord(engine, input, namespace);
  const [present] = await engine.store.get(namespace, [stated.id]);
  const record = afterPresent(stated, present);
  if (present?.status === 'live' && present.object === record.object) return toFact(present);
  if (present && present.status === 'live' && startOf(present) > startOf(record))
    return putPast(engine, record, present);
  // The new value first: it frees the idempotency key of the old one, which moves to the version.
  const put = present ? [record, toVersion(present, record)] : [record];
  const receipt = await engine.store.commit({
    namespace,
    put,
    fingerprintsOf: (one) => (one.id === record.id ? engine.fingerprints.of(one) : []),
    expect: [{ id: record.id, revision: present?.revision ?? 0 }],
    enqueue: engine.vectors && input.tier === 'knowledge' ? [embedEntry(record)] : [],
  });
  return keptFact(engine, record, receipt.results[0]?.id);
}

/** A statement about now is newer than the present one also when the clock went back in between. */
function afterPresent(record: MemoryRecord, present: StoredRecord | undefined): MemoryRecord {
  const isAboutNow = record.validFrom === undefined && present?.validFrom === undefined;
  if (!present || !isAboutNow || record.recordedAt >= present.recordedAt) return record;
  return { ...record, recordedAt: present.recordedAt };
}

/** A statement about an earlier time than the present one does not replace it; it fills the past. */
async function putPast(engine: Engine, record: MemoryRecord, present: StoredRecord): Promise<Fact> {
  const past: MemoryRecord = {
    ...toVersion(record, present),
    id: `${record.id}@${engine.ids.next('past')}`,
    retiredAt: record.recordedAt,
  };
  const receipt = await engine.store.commit({
    namespace: record.namespace,
    put: [past],
    fingerprintsOf: engine.fingerprints.of,
  });
  return keptFact(engine, past, receipt.results[0]?.id);
}

/** What the store holds now: the record, or the one that had its idempotency key before. */
async function keptFact(engine: Engine, record: MemoryRecord, id: string | undefined): Promise<Fact> {
  const [kept] = id === undefined || id === record.id ? [] : await engine.store.get(record.namespace, [id]);
  return toFact(kept ?? record);
}

function startOf(record: MemoryRecord): number {
  return record.validFrom ?? record.recordedAt;
}

/** The older value under an id of its own. It ends where the newer one begins; what was known of its end before stays readable. */
function toVersion(old: MemoryRecord | StoredRecord, next: MemoryRecord): MemoryRecord {
  const { seq: _seq, revision, ...record } = old as StoredRecord;
  return {
    ...record,
    id: `${old.id}@${revision}`,
    status: 'superseded',
    retiredAt: old.retiredAt ?? next.recordedAt,
    retiredBy: next.id,
    validTo: old.validTo ?? startOf(next),
    data: { ...record.data, ended: true, ...(old.validTo === undefined ? {} : { statedEnd: old.validTo }) },
  };
}

function toRecord(engine: Engine, input: FactInput, namespace: string): MemoryRecord {
  const object = cleanText(input.object);
  if (object.trim() === '' || object.length > maxValueLength) {
    throw inputError(
      'value',
      `${object.length} characters`,
      `Pass 1 to ${maxValueLength} characters; longer texts belong to remember().`,
    );
  }
  const subject = checkName(input.subject, 'subject');
  const relation = checkName(input.relation, 'key');
  const validFrom = parseTime(input.validFrom, 'validFrom');
  const validTo = parseTime(input.validTo, 'validTo');
  return {
    id: slotId(input.tier, [subject, relation, ...(input.many ? [object] : [])]),
    namespace,
    tier: input.tier,
    kind: 'fact',
    text: `${subject === coreSubject ? '' : `${subject} `}${relation}: ${object}`,
    status: 'live',
    importance: input.tier === 'core' ? 0.8 : 0.5,
    confidence: input.confidence ?? 1,
    recordedAt: engine.clock.now(),
    subject,
    relation,
    object,
    ...(validFrom === undefined ? {} : { validFrom, eventTime: validFrom }),
    ...(validTo === undefined ? {} : { validTo }),
    ...(input.source === undefined ? {} : { source: cleanText(input.source) }),
    ...(input.runId === undefined ? {} : { runId: input.runId }),
    ...(input.step === undefined ? {} : { step: input.step }),
    ...(input.idempotencyKey === undefined ? {} : { idempotencyKey: input.idempotencyKey }),
    ...(input.many ? { data: { many: true } } : {}),
  };
}

/** The present value of a subject and key (and object, where there may be many) has one id, so that two writers cannot both create it. */
export function slotId(tier: string, parts: readonly string[]): string {
  return `fact:${createHash('sha256')
    .update(JSON.stringify([tier, ...parts]))
    .digest('hex')
    .slice(0, 24)}`;
}

/** The core tier over an engine that opens on first use. */
export function createCoreTier(open: () => Promise<Engine>): CoreTier {
  const scope = (key: string, query: FactQuery): FactScope => ({
    ...query,
    tier: 'core',
    subject: coreSubject,
    relation: key,
  });
  return {
    async get(key, query = {}) {
      return (await listFacts(await open(), scope(key, query))).at(-1)?.value;
    },
    async set(key, value, options = {}) {
      return putFact(await open(), { ...options, tier: 'core', subject: coreSubject, relation: key, object: value });
    },
    async delete(key, options = {}) {
      const engine = await open();
      const namespace = namespaceOf(options.namespace);
      const [present] = await engine.store.find({
        namespace,
        tiers: ['core'],
        status: ['live'],
        subject: coreSubject,
        relation: key,
      });
      if (!present) return false;
      const { seq: _seq, revision, ...record } = present;
      const now = engine.clock.now();
      const ended: MemoryRecord = {
        ...record,
        status: 'superseded',
        retiredAt: now,
        validTo: now,
        data: { ...record.data, ended: true },
      };
      await engine.store.commit({ namespace, put: [ended], expect: [{ id: present.id, revision }] });
      return true;
    },
    list: async (query = {}) => listFacts(await open(), { ...query, tier: 'core' }),
    history: async (key, query = {}) => listFacts(await open(), { ...scope(key, query), history: true }),
  };
}

/** The knowledge tier over an engine that opens on first use. */
export function createKnowledgeTier(open: () => Promise<Engine>): KnowledgeTier {
  return {
    assert: async (fact: KnowledgeInput) => putFact(await open(), { ...fact, tier: 'knowledge' }),
    async query({ object, ...pattern }) {
      const facts = await listFacts(await open(), { ...pattern, tier: 'knowledge' });
      return object === undefined ? facts : facts.filter((fact) => fact.value === object);
    },
    async contradictions(query = {}) {
      const facts = await listFacts(await open(), { ...query, tier: 'knowledge', history: true });
      return findContradictions(facts);
    },
  };
}

function findContradictions(facts: readonly Fact[]): { older: Fact; newer: Fact }[] {
  const bySlot = new Map<string, Fact[]>();
  for (const fact of facts) {
    const slot = JSON.stringify([fact.subject, fact.key]);
    bySlot.set(slot, [...(bySlot.get(slot) ?? []), fact]);
  }
  const pairs: { older: Fact; newer: Fact }[] = [];
  for (const slot of bySlot.values()) {
    slot.forEach((older, at) => {
      for (const newer of slot.slice(at + 1)) if (older.value !== newer.value) pairs.push({ older, newer });
    });
  }
  return pairs;
}
