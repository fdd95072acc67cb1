import type { JsonValue, RunRecord } from '@genie/core/ports';
import { z } from 'zod';
import { defineProbe, fromRun, noData } from './probe.ts';

type ReadField = (run: RunRecord) => number | undefined;

/** Numbers of a run that need no path. */
const fields: Readonly<Record<string, ReadField>> = {
  items: (run) => run.briefing?.items.length,
  citedSources: (run) =>
    run.briefing === undefined
      ? undefined
      : new Set(run.briefing.items.flatMap((item) => item.citations.map((citation) => citation.source))).size,
  sources: (run) => run.sources.length,
  steps: (run) => run.steps,
  toolCalls: (run) => run.toolCalls.length,
  inputTokens: (run) => run.usage.inputTokens,
  outputTokens: (run) => run.usage.outputTokens,
  tokens: (run) => run.usage.inputTokens + run.usage.outputTokens,
  modelCalls: (run) => run.usage.modelCalls,
  costUsd: (run) => run.costUsd,
  tookMs: (run) => run.endedAt - run.startedAt,
};

/** What the run says about itself: counted, but never as measured. */
const ownWords = /^(?:claim|text|goal|briefing\.(?:title|markdown))(?:\.|$)/;

const schema = z.strictObject({ field: z.string().min(1) });

/**
 * A number of the run record: `items`, `citedSources`, `sources`, `steps`, `toolCalls`, `inputTokens`, `outputTokens`, `tokens`,
 * `modelCalls`, `costUsd`, `tookMs`, or a path such as `usage.cachedInputTokens`. A list counts its members. The run's own words
 * (`text`, `claim`) are graded `unverified`.
 */
export const runFieldProbe = defineProbe('run-field', schema, ({ field }, context) => {
  const read = Object.hasOwn(fields, field) ? fields[field] : undefined;
  const found = read === undefined ? toNumber(valueAtPath(context.run, field)) : read(context.run);
  const source = `run:${field}`;
  if (found === undefined) return noData('failed', source, `the run has no number at "${field}"`);
  const grade = ownWords.test(field) ? 'unverified' : 'measured';
  return fromRun(context, field, { value: found, evidence: { field, value: found }, grade });
});

/** The value at a dotted path of own members; numbers are list positions. */
export function valueAtPath(value: unknown, path: string): unknown {
  let current: unknown = value;
  for (const part of path.split('.')) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) return undefined;
    current = (current as Record<string, unknown>)[part];
  }
  return current;
}

/** Numbers, numeric text, yes/no as 1/0, and the length of a list. */
export function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'string' && value.trim() !== '') {
    const number = Number(value);
    return Number.isNaN(number) ? undefined : number;
  }
  return undefined;
}

/** A JSON text, or undefined. Never throws. */
export function tryParseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
