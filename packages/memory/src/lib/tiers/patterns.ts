import { createHash } from 'node:crypto';
import type { Engine } from '../engine.ts';
import type { Pattern, PatternTier } from '../memory.ts';
import { cleanText, inputError, namespaceOf, parseTime } from '../memory-input.ts';
import type { MemoryRecord, StoredRecord } from '../store/record.ts';

/** Live patterns, most certain first. */
export async function listPatterns(engine: Engine, namespace: string): Promise<Pattern[]> {
  const records = await engine.store.find({ namespace, tiers: ['proactive'], status: ['live'] });
  return records
    .map(toPattern)
    .sort((left, right) => right.confidence - left.confidence || (left.id < right.id ? -1 : 1));
}

function toPattern(record: StoredRecord | MemoryRecord): Pattern {
  const dueAt = record.data?.dueAt;
  return {
    id: record.id,
    kind: record.kind,
    text: record.text,
    confidence: record.confidence,
    ...(typeof dueAt === 'number' ? { dueAt } : {}),
    lastDetectedAt: record.eventTime ?? record.recordedAt,
  };
}

/** The record of a pattern. Its id follows from what it says, so that detecting it again updates it. */
export function patternRecord(pattern: {
  readonly namespace: string;
  readonly kind: string;
  readonly text: string;
  readonly confidence: number;
  readonly dueAt?: number;
  readonly detectedAt: number;
  readonly slot: string;
  readonly from?: readonly string[];
  /** Found by consolidation, which can find it again. */
  readonly detected?: boolean;
}): MemoryRecord {
  const id = createHash('sha256')
    .update(JSON.stringify([pattern.kind, pattern.slot]))
    .digest('hex')
    .slice(0, 20);
  return {
    id: `pattern:${id}`,
    namespace: pattern.namespace,
    tier: 'proactive',
    kind: pattern.kind,
    text: pattern.text,
    status: 'live',
    importance: 0.6,
    confidence: pattern.confidence,
    recordedAt: pattern.detectedAt,
    eventTime: pattern.detectedAt,
    data: {
      ...(pattern.dueAt === undefined ? {} : { dueAt: pattern.dueAt }),
      ...(pattern.from ? { from: [...pattern.from] } : {}),
      ...(pattern.detected ? { detected: true } : {}),
    },
  };
}

export function createPatternTier(open: () => Promise<Engine>): PatternTier {
  return {
    list: async ({ namespace } = {}) => listPatterns(await open(), namespaceOf(namespace)),
    async due({ namespace: place, now } = {}) {
      const namespace = namespaceOf(place);
      const engine = await open();
      const time = parseTime(now, 'now') ?? engine.clock.now();
      return (await listPatterns(engine, namespace)).filter(({ dueAt }) => dueAt !== undefined && dueAt <= time);
    },
    async add({ kind, text, confidence, dueAt }, { namespace: place } = {}) {
      const namespace = namespaceOf(place);
      if (!(confidence >= 0 && confidence <= 1))
        throw inputError('confidence', confidence, 'Pass a number from 0 to 1.');
      const engine = await open();
      const due = parseTime(dueAt, 'dueAt');
      const record = patternRecord({
        namespace,
        kind,
        text: cleanText(text),
        confidence,
        slot: text,
        detectedAt: engine.clock.now(),
        ...(due === undefined ? {} : { dueAt: due }),
      });
      await engine.store.commit({ namespace, put: [record], fingerprintsOf: engine.fingerprints.of });
      return toPattern(record);
    },
  };
}
