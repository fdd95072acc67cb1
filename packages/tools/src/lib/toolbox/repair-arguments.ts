import type { JsonObject } from '@genie/core';

const maxDepth = 64;
const forbidden: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** True when a value nests deeper than any tool's arguments do, or holds keys that reach prototypes. Never recurses. */
export function isHostile(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxDepth) return true;
    const next: unknown[] = [];
    for (const one of level) {
      if (typeof one !== 'object' || one === null) continue;
      if (Array.isArray(one)) next.push(...one);
      else {
        for (const key of Object.keys(one)) {
          if (forbidden.has(key)) return true;
          next.push((one as Record<string, unknown>)[key]);
        }
      }
    }
    level = next;
  }
  return false;
}

/**
 * One lenient attempt at arguments that do not fit the schema, for the slips models make: JSON in a string, a wrapper
 * object, another spelling of a key, a number or a boolean as text, one value where a list is wanted, null for "left out".
 * Nothing is invented: every value comes from what was given. The result is validated again by the tool's own schema.
 */
export function repairArguments(value: unknown, schema: JsonObject): unknown {
  const properties = asObject(schema.properties) ?? {};
  const names = Object.keys(properties);
  const given = unwrap(parseIfJson(value), names);
  const record = asObject(given);
  if (!record) {
    const required = Array.isArray(schema.required) ? (schema.required as string[]) : [];
    const only = required.length === 1 ? required[0] : undefined;
    return only === undefined || given === undefined || given === null
      ? given
      : repairArguments({ [only]: given }, schema);
  }
  const repaired: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(record)) {
    const name = key in properties ? key : (names.find((one) => fold(one) === fold(key) && !(one in record)) ?? key);
    const wanted = asObject(properties[name]);
    const fitted = wanted ? repairValue(entry, wanted) : entry;
    if (fitted !== undefined) repaired[name] = fitted;
  }
  return repaired;
}

/** `File_Path`, `filePath` and `file-path` are the same word. */
function fold(name: string): string {
  return name.replace(/[_\-\s]/g, '').toLowerCase();
}

function unwrap(value: unknown, names: readonly string[]): unknown {
  const record = asObject(value);
  const [only, ...others] = record ? Object.keys(record) : [];
  if (!record || only === undefined || others.length > 0 || names.includes(only)) return value;
  if (!/^(input|arguments|args|parameters|params)$/i.test(only)) return value;
  const inner = parseIfJson(record[only]);
  return asObject(inner) ? inner : value;
}

function repairValue(value: unknown, schema: Readonly<Record<string, unknown>>): unknown {
  const types = typesOf(schema);
  if (types.length === 0 || types.includes(typeOf(value)) || (types.includes('number') && typeOf(value) === 'integer'))
    return value;
  if (value === null) return undefined;
  for (const type of types) {
    const fitted = convert(value, type);
    if (fitted !== undefined) return fitted;
  }
  return value;
}

function convert(value: unknown, type: string): unknown {
  if (type === 'number' || type === 'integer') {
    const isNumber = typeof value === 'string' && /^\s*-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\s*$/i.test(value);
    const number = isNumber ? Number(value) : typeof value === 'number' ? value : Number.NaN;
    if (type === 'integer') return Number.isInteger(number) ? number : undefined;
    return Number.isNaN(number) ? undefined : number;
  }
  if (type === 'boolean')
    return typeof value === 'string' ? { true: true, false: false }[value.trim().toLowerCase()] : undefined;
  if (type === 'string') return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
  if (type === 'array') {
    const parsed = parseIfJson(value);
    return Array.isArray(parsed) ? parsed : [parsed];
  }
  if (type === 'object') return asObject(parseIfJson(value));
  return undefined;
}

function typesOf(schema: Readonly<Record<string, unknown>>): string[] {
  const { type } = schema;
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? type.filter((one): one is string => typeof one === 'string') : [];
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
}

function parseIfJson(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    const parsed: unknown = JSON.parse(value);
    return isHostile(parsed) ? value : parsed;
  } catch {
    return value;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
