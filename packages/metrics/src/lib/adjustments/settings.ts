import { canonicalJson, type JsonObject, type JsonValue } from '@genie/core/ports';
import type { Adjustment } from './adjustment.ts';

/**
 * The part of a genie's configuration that adjustments may change. Members that are none of these are carried along untouched.
 * `{ sources: [{ kind, location }], schedule: { cron }, searchTerms: [], promptFragments: { name: text }, models: { planning, execution },
 * budget: { steps, tokens, usd, timeMs }, toolPolicy: { tool: 'allow' | 'ask' | 'deny' } }`
 */
export type GenieSettings = JsonObject;

/** Where the settings live. The composition root implements it for its configuration. */
export interface SettingsTarget {
  read(): Promise<GenieSettings>;
  /** Asked before a change is decided: throws (`GENIE_ADJUSTMENT_INVALID`) for settings a genie could not be opened with. Default: all are fine. */
  check?(next: GenieSettings): void;
  /** Replaces the settings atomically and durably: after a crash the old or the new ones are there. */
  write(next: GenieSettings): Promise<void>;
}

type SourceRow = JsonObject & { readonly location?: JsonValue };

/** The settings with the change made. Does not change its input. */
export function applyAdjustment(settings: GenieSettings, adjustment: Adjustment): GenieSettings {
  switch (adjustment.type) {
    case 'sources': {
      const removed = new Set(adjustment.remove ?? []);
      const kept = rowsOf(settings.sources).filter((row) => !removed.has(String(row.location)));
      const known = new Set(kept.map((row) => row.location));
      const added = (adjustment.add ?? []).filter((row) => !known.has(row.location)).map(toJson);
      return { ...settings, sources: [...kept, ...added] };
    }
    case 'search-terms': {
      const removed = new Set(adjustment.remove ?? []);
      const kept = textsOf(settings.searchTerms).filter((term) => !removed.has(term));
      return { ...settings, searchTerms: [...new Set([...kept, ...(adjustment.add ?? [])])] };
    }
    case 'schedule':
      return { ...settings, schedule: { ...objectOf(settings.schedule), cron: adjustment.cron } };
    case 'prompt-fragment': {
      const { [adjustment.name]: _old, ...others } = objectOf(settings.promptFragments);
      const next = adjustment.text === '' ? others : { ...others, [adjustment.name]: adjustment.text };
      return { ...settings, promptFragments: next };
    }
    case 'model':
      return { ...settings, models: { ...objectOf(settings.models), [adjustment.role]: adjustment.modelId } };
    case 'budget':
      return { ...settings, budget: { ...objectOf(settings.budget), [adjustment.limit]: adjustment.value } };
    case 'tool-policy':
      return { ...settings, toolPolicy: { ...objectOf(settings.toolPolicy), [adjustment.tool]: adjustment.policy } };
    default:
      return adjustment satisfies never;
  }
}

/**
 * Takes a change back. Where nothing else touched the settings since, they are exactly as before; otherwise only what the change itself
 * did is reversed, and what the user set since stays (`kept` names those members).
 */
export function revertAdjustment(
  current: GenieSettings,
  change: { readonly before: GenieSettings; readonly after: GenieSettings },
): { readonly settings: GenieSettings; readonly kept: readonly string[] } {
  if (canonicalJson(current) === canonicalJson(change.after)) return { settings: change.before, kept: [] };
  const kept: string[] = [];
  const settings = revertValue(current, change.before, change.after, '', kept);
  return { settings: settings as GenieSettings, kept };
}

/** A three-way merge: members the change did not touch stay as they are now. */
function revertValue(
  current: JsonValue | undefined,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  path: string,
  kept: string[],
): JsonValue | undefined {
  if (same(before, after)) return current;
  if (same(current, after)) return before;
  if (isObject(current) && isObject(before) && isObject(after)) {
    const result: Record<string, JsonValue | undefined> = {};
    for (const key of new Set([...Object.keys(before), ...Object.keys(current)])) {
      const value = revertValue(current[key], before[key], after[key], `${path}/${key}`, kept);
      if (value !== undefined) result[key] = value;
    }
    return result;
  }
  if (Array.isArray(current) && Array.isArray(before) && Array.isArray(after))
    return revertList(current, before, after);
  kept.push(path);
  return current;
}

function revertList(
  current: readonly JsonValue[],
  before: readonly JsonValue[],
  after: readonly JsonValue[],
): JsonValue[] {
  const has = (list: readonly JsonValue[], one: JsonValue): boolean => list.some((other) => same(other, one));
  const withoutAdded = current.filter((one) => has(before, one) || !has(after, one));
  const removed = before.filter((one) => !has(after, one) && !has(withoutAdded, one));
  return [...withoutAdded, ...removed];
}

function same(left: JsonValue | undefined, right: JsonValue | undefined): boolean {
  return canonicalJson(left) === canonicalJson(right);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function rowsOf(value: JsonValue | undefined): SourceRow[] {
  return Array.isArray(value) ? value.filter((row): row is SourceRow => isObject(row)) : [];
}

function textsOf(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((term) => typeof term === 'string') : [];
}

function toJson(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
