import { describeThrown, GenieError } from '@genie/core/errors';
import type { JsonObject } from '@genie/core/ports';
import type { MemoryInput, TimeInput } from './memory.ts';
import type { MemoryRecord, Tier } from './store/record.ts';

/** Where memories live when nothing is said. */
export const defaultNamespace = 'default';
/** Longest text of one memory, in UTF-16 units: 16 million, above any document a person writes, below what stalls a process. */
export const maxTextLength = 16_000_000;
const maxNameLength = 1_000;

export interface InputContext {
  readonly now: number;
  nextId(): string;
}

/**
 * Turns what a caller passes into a record. Lone surrogates become U+FFFD and NUL bytes go away, because neither survives storage
 * everywhere. Throws `GENIE_MEMORY_INPUT`.
 */
export function inputToRecord(given: MemoryInput, { now, nextId }: InputContext): MemoryRecord {
  const input = withoutNulls(given);
  const text = checkText(input.text);
  const eventTime = parseTime(input.eventTime, 'eventTime');
  return {
    id: input.id === undefined ? nextId() : checkName(input.id, 'id'),
    namespace: namespaceOf(input.namespace),
    tier: input.tier === undefined ? 'associative' : checkTier(input.tier),
    kind: input.kind === undefined ? 'note' : checkName(input.kind, 'kind'),
    text,
    status: 'live',
    importance: checkShare(input.importance, 'importance', 0.5),
    confidence: checkShare(input.confidence, 'confidence', 1),
    recordedAt: now,
    ...(eventTime === undefined ? {} : { eventTime }),
    ...(input.speaker === undefined ? {} : { speaker: checkName(input.speaker, 'speaker') }),
    ...(input.source === undefined ? {} : { source: checkString(input.source, 'source').slice(0, 8_000) }),
    ...(input.runId === undefined ? {} : { runId: checkName(input.runId, 'runId') }),
    ...(input.step === undefined ? {} : { step: checkWhole(input.step, 'step') }),
    ...(input.idempotencyKey === undefined
      ? {}
      : { idempotencyKey: checkName(input.idempotencyKey, 'idempotencyKey') }),
    ...(input.data === undefined ? {} : { data: checkData(input.data) }),
  };
}

/** JSON from elsewhere says null for what is not there. */
function withoutNulls(input: MemoryInput): MemoryInput {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw inputError('input', input, 'Pass an object with a text.');
  const values = Object.values(input) as unknown[];
  return values.includes(null)
    ? (Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null)) as unknown as MemoryInput)
    : input;
}

const ownTiers: readonly unknown[] = ['associative', 'episodic', 'proactive'];

function checkTier(tier: Tier): Tier {
  if (ownTiers.includes(tier)) return tier;
  throw inputError('tier', tier, 'Pass associative, episodic or proactive; facts have core.set and knowledge.assert.');
}

export function checkString(value: unknown, field: string): string {
  if (typeof value !== 'string') throw inputError(field, value, 'Pass a string.');
  return cleanText(value);
}

export function checkStrings(values: unknown, field: string): readonly string[] {
  if (!Array.isArray(values)) throw inputError(field, values, 'Pass an array of strings.');
  return values.map((value) => checkString(value, field));
}

export function checkWhole(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw inputError(field, value, 'Pass a whole number from 0.');
}

/** A namespace that was given, or the one where memories live when nothing is said. */
export function namespaceOf(value: unknown): string {
  return value === undefined || value === null ? defaultNamespace : checkName(value, 'namespace');
}

function checkData(data: JsonObject): JsonObject {
  const plain = typeof data === 'object' && !Array.isArray(data);
  if (!plain) throw inputError('data', data, 'Pass a JSON object.');
  try {
    JSON.stringify(data);
    return data;
  } catch (error) {
    throw inputError('data', describeThrown(error), 'Pass what JSON can hold.');
  }
}

/** Storable form of a text: well-formed UTF-16 without NUL. */
export function cleanText(text: string): string {
  const formed = text.isWellFormed() ? text : text.toWellFormed();
  return formed.includes('\u0000') ? formed.replaceAll('\u0000', '') : formed;
}

function checkText(text: unknown): string {
  if (typeof text !== 'string') throw inputError('text', text, 'Pass a string.');
  if (text.length > maxTextLength) {
    throw inputError(
      'text',
      `${text.length} characters`,
      `Split it: one memory holds at most ${maxTextLength} characters.`,
    );
  }
  const clean = cleanText(text);
  if (clean.trim() === '') throw inputError('text', text, 'Pass a text with at least one visible character.');
  return clean;
}

export function checkName(value: unknown, field: string): string {
  if (typeof value !== 'string' || value === '') throw inputError(field, value, 'Pass a non-empty string.');
  if (value.length > maxNameLength)
    throw inputError(field, `${value.length} characters`, `Use at most ${maxNameLength} characters.`);
  return cleanText(value);
}

function checkShare(value: number | undefined, field: string, fallback: number): number {
  if (value === undefined) return fallback;
  if (!(value >= 0 && value <= 1)) throw inputError(field, value, 'Pass a number from 0 to 1.');
  return value;
}

/** Epoch milliseconds of a time input. A text without a zone is UTC, so that the same input means the same everywhere. */
export function parseTime(value: TimeInput | undefined, field: string): number | undefined {
  if (value === undefined) return undefined;
  const time = typeof value === 'number' ? value : Date.parse(withZone(value));
  if (Number.isFinite(time) && Math.abs(time) <= 8.64e15) return Math.round(time);
  throw inputError(field, value, 'Pass ISO 8601 (2026-03-01T09:00:00Z) or epoch milliseconds.');
}

function withZone(text: string): string {
  const isDateTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(text);
  return isDateTime ? `${text.replace(' ', 'T')}Z` : text;
}

export function inputError(field: string, value: unknown, fix: string): GenieError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value);
  return new GenieError('GENIE_MEMORY_INPUT', `The ${field} of a memory cannot be ${shown}. ${fix}`, {
    details: { field },
  });
}
