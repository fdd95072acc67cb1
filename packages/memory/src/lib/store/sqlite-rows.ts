import type { JsonObject } from '@genie/core/ports';
import type { MemoryRecord, RecordStatus, StoredRecord, Tier } from './record.ts';

export type SqlValue = string | number | bigint | null | Uint8Array;
export type SqlRow = Record<string, SqlValue>;

/** Columns in the order of {@link recordToValues}; `revision` comes first. */
export const recordColumns = [
  'revision',
  'namespace',
  'id',
  'tier',
  'kind',
  'text',
  'status',
  'importance',
  'confidence',
  'recorded_at',
  'retired_at',
  'retired_by',
  'event_time',
  'valid_from',
  'valid_to',
  'subject',
  'relation',
  'object',
  'speaker',
  'source',
  'run_id',
  'step',
  'idempotency_key',
  'data',
] as const;

export function recordToValues(record: MemoryRecord, revision: number): SqlValue[] {
  return [
    revision,
    record.namespace,
    record.id,
    record.tier,
    record.kind,
    record.text,
    record.status,
    record.importance,
    record.confidence,
    record.recordedAt,
    record.retiredAt ?? null,
    record.retiredBy ?? null,
    record.eventTime ?? null,
    record.validFrom ?? null,
    record.validTo ?? null,
    record.subject ?? null,
    record.relation ?? null,
    record.object ?? null,
    record.speaker ?? null,
    record.source ?? null,
    record.runId ?? null,
    record.step ?? null,
    record.idempotencyKey ?? null,
    record.data === undefined ? null : JSON.stringify(record.data),
  ];
}

const optionalNumbers = [
  ['retired_at', 'retiredAt'],
  ['event_time', 'eventTime'],
  ['valid_from', 'validFrom'],
  ['valid_to', 'validTo'],
  ['step', 'step'],
] as const;
const optionalTexts = [
  ['retired_by', 'retiredBy'],
  ['subject', 'subject'],
  ['relation', 'relation'],
  ['object', 'object'],
  ['speaker', 'speaker'],
  ['source', 'source'],
  ['run_id', 'runId'],
  ['idempotency_key', 'idempotencyKey'],
] as const;

type Draft = { -readonly [Key in keyof StoredRecord]: StoredRecord[Key] };

export function rowToRecord(row: SqlRow): StoredRecord {
  const record: Draft = {
    seq: row.seq as number,
    revision: row.revision as number,
    namespace: row.namespace as string,
    id: row.id as string,
    tier: row.tier as Tier,
    kind: row.kind as string,
    text: row.text as string,
    status: row.status as RecordStatus,
    importance: row.importance as number,
    confidence: row.confidence as number,
    recordedAt: row.recorded_at as number,
  };
  for (const [column, field] of optionalNumbers) if (row[column] !== null) record[field] = row[column] as number;
  for (const [column, field] of optionalTexts) if (row[column] !== null) record[field] = row[column] as string;
  if (row.data !== null) record.data = JSON.parse(row.data as string) as JsonObject;
  return record;
}
