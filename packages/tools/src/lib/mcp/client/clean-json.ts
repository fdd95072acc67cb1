import type { JsonObject, JsonValue } from '@genie/core';
import { GenieError } from '@genie/core/errors';

const forbidden: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
const maxDepth = 100;

/**
 * A copy of a foreign value without members that could reach a prototype. Throws `GENIE_MCP_RESULT` past a depth of 100,
 * where recursive readers would break.
 */
export function cleanJson(value: unknown, depth = 0): JsonValue {
  if (depth > maxDepth) throw new GenieError('GENIE_MCP_RESULT', `The answer nests deeper than ${maxDepth}.`);
  if (Array.isArray(value)) return value.map((item) => cleanJson(item, depth + 1));
  if (typeof value === 'object' && value !== null) {
    const copy: Record<string, JsonValue> = {};
    for (const [key, member] of Object.entries(value))
      if (!forbidden.has(key) && member !== undefined) copy[key] = cleanJson(member, depth + 1);
    return copy;
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

/** The same for something that must be an object. */
export function cleanObject(value: unknown): JsonObject {
  const clean = cleanJson(value);
  return typeof clean === 'object' && clean !== null && !Array.isArray(clean) ? (clean as JsonObject) : {};
}
