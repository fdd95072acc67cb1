/** Plain JSON values. `undefined` members are dropped when stored. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * `JSON.parse` that drops `__proto__`, `constructor` and `prototype` members, so that merging the value later can
 * pollute nothing. Throws `SyntaxError` like `JSON.parse`.
 */
export function parseJson(text: string): unknown {
  if (!mayHoldForbiddenKey(text)) return JSON.parse(text);
  return JSON.parse(text, function dropForbidden(this: unknown, key: string, value: unknown) {
    return forbiddenKeys.has(key) && !Array.isArray(this) ? undefined : value;
  });
}

/** The reviver costs a call a member, and most texts hold none of the words, spelled out or as escapes. */
function mayHoldForbiddenKey(text: string): boolean {
  return text.includes('proto') || text.includes('constructor') || text.includes('\\u00');
}

/** Canonical JSON: members sorted by code unit, no white space. Equal values give equal text (after RFC 8785, without its number rules). */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    const record = member as Record<string, unknown>;
    // Without a prototype: a member named `__proto__` is a member like any other.
    const sorted = Object.create(null) as Record<string, unknown>;
    for (const key of Object.keys(record).sort()) sorted[key] = record[key];
    return sorted;
  });
}
