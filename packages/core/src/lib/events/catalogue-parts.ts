import { z } from 'zod';
import type { ErrorRecord, GenieErrorCode } from '../genie-error.ts';
import type { JsonObject, JsonValue } from '../json.ts';

/** Text that may be empty, e.g. a delta. */
export const text = z.string();
/** Text that names something. */
export const name = z.string().min(1);
export const count = z.int().nonnegative();
/** A duration; never negative, may have fractions. */
export const milliseconds = z.number().nonnegative();
/** Epoch ms. */
export const moment = z.number();

const isJson = (value: unknown): boolean => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.every(isJson);
  return Object.values(value).every((member) => member === undefined || isJson(member));
};

export const jsonValue = z.custom<JsonValue>(isJson, 'is not JSON');
export const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && isJson(value),
  'is not a JSON object',
);

export const errorRecord: z.ZodType<ErrorRecord> = z
  .object({
    code: z.custom<GenieErrorCode>(
      (value) => typeof value === 'string' && value.startsWith('GENIE_'),
      'is no GENIE_ code',
    ),
    message: text,
    details: z.record(z.string(), z.unknown()).exactOptional(),
  })
  .readonly();

export const usage = z
  .object({ inputTokens: count, outputTokens: count, cachedInputTokens: count, modelCalls: count })
  .readonly();

export const trigger = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('manual'), note: text.exactOptional() }).readonly(),
  z.object({ kind: z.literal('schedule'), dueAt: moment }).readonly(),
  z.object({ kind: z.literal('message'), text, messageId: name.exactOptional() }).readonly(),
  z.object({ kind: z.literal('event'), name, payload: jsonObject.exactOptional() }).readonly(),
]);

export const kpiReading = z
  .object({
    kpiId: name,
    name: text,
    unit: text,
    value: z.number().exactOptional(),
    target: z.number(),
    status: z.enum(['met', 'warning', 'missed', 'no-data']),
    grade: z.enum(['measured', 'estimated', 'unverified']),
    source: text,
    evidenceHash: name.exactOptional(),
    reason: text.exactOptional(),
  })
  .readonly();

export const approvalKind = z.enum([
  'egress',
  'tool',
  'in-doubt',
  'kpis',
  'schedule',
  'proposal',
  'adjustment',
  'experiment',
  'plugin',
  'mcp',
]);
export const approvalStatus = z.enum(['pending', 'allowed', 'denied', 'expired', 'used']);
export const budgetLimit = z.enum(['steps', 'tokens', 'usd', 'time']);
export const claim = z.enum(['achieved', 'partly', 'not-achieved', 'none']);
export const finishReason = z.enum([
  'stop',
  'stop-condition',
  'length',
  'content-filter',
  'budget',
  'repeat',
  'aborted',
  'waiting',
  'model-error',
  'tool-error',
  'journal-error',
]);
export const outcome = z.enum(['achieved', 'partly', 'not-achieved', 'unverified']);
export const phaseName = z.enum(['wake', 'remember', 'plan', 'execute', 'measure', 'memorize', 'report', 'sleep']);
export const runStatus = z.enum(['completed', 'skipped', 'waiting', 'failed', 'cancelled']);
export const toolEffect = z.enum(['read', 'idempotent', 'once']);
