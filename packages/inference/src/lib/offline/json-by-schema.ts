import type { JsonObject, JsonValue } from '@genie/core/ports';
import type { JsonSchema, JsonSchemaOrBoolean } from '../json-schema.ts';

/**
 * Proposes a value for a place in the schema. `path` holds property names and array indexes from the root; undefined
 * leaves the choice to the schema. A hint that the schema does not allow is not used.
 */
export type Hint = (path: readonly string[], schema: JsonSchema) => JsonValue | undefined;

/**
 * Writes the simplest JSON value that a schema (draft 7 or 2020-12) describes, taking hints where they fit: hint, `const`,
 * `default`, `enum`, then by type within `minimum`, `minLength`, `minItems` and `format`. Optional properties appear only when a hint
 * has a value for them. `pattern` is satisfied only by a hint or an example that matches it.
 */
export function jsonBySchema(schema: JsonSchemaOrBoolean, hint: Hint): JsonValue {
  return new Writer(schema, hint).write(schema, []) ?? null;
}

const maxDepth = 24;

class Writer {
  readonly #root: JsonSchemaOrBoolean;
  readonly #hint: Hint;

  constructor(root: JsonSchemaOrBoolean, hint: Hint) {
    this.#root = root;
    this.#hint = hint;
  }

  /** `given` is what a hint further up proposes for this place; it goes before the hint of the place itself. */
  write(definition: JsonSchemaOrBoolean, path: readonly string[], given?: JsonValue): JsonValue | undefined {
    if (typeof definition === 'boolean' || path.length > maxDepth) return given ?? this.#hint(path, {}) ?? null;
    const schema = this.#flatten(definition);
    const hinted = given ?? this.#hint(path, schema);
    const variants = schema.anyOf ?? schema.oneOf;
    if (variants) return this.#oneOf(variants, path, hinted);
    if (hinted !== undefined && fits(hinted, schema)) return this.#complete(hinted, schema, path);
    if (schema.const !== undefined) return schema.const;
    if (schema.default !== undefined) return schema.default;
    if (schema.enum) return schema.enum[0];
    return this.#byType(schema, path);
  }

  #oneOf(variants: readonly JsonSchemaOrBoolean[], path: readonly string[], hinted: JsonValue | undefined) {
    const fitting = variants.find(
      (one) => hinted !== undefined && (typeof one === 'boolean' || fits(hinted, this.#flatten(one))),
    );
    return this.write(
      fitting ?? variants.find((one) => !isNull(one)) ?? true,
      path,
      fitting === undefined ? undefined : hinted,
    );
  }

  #byType(schema: JsonSchema, path: readonly string[]): JsonValue {
    const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type;
    switch (type) {
      case 'object':
        return this.#object(schema, path, {});
      case 'array':
        return Array.from({ length: schema.minItems ?? 0 }, (_, index) =>
          this.write(itemSchema(schema, index), [...path, String(index)]),
        ).map((value) => value ?? null);
      case 'string':
        return stringFor(schema);
      case 'integer':
      case 'number':
        return numberFor(schema, type === 'integer');
      case 'boolean':
        return false;
      default:
        return schema.properties ? this.#object(schema, path, {}) : null;
    }
  }

  /** Fills in what a hinted object or list lacks. */
  #complete(value: JsonValue, schema: JsonSchema, path: readonly string[]): JsonValue {
    if (Array.isArray(value)) {
      return value.map(
        (entry: JsonValue, index) => this.write(itemSchema(schema, index), [...path, String(index)], entry) ?? null,
      );
    }
    if (typeof value !== 'object' || value === null || !schema.properties) return value;
    return this.#object(schema, path, value as JsonObject);
  }

  #object(schema: JsonSchema, path: readonly string[], given: JsonObject): JsonObject {
    const result: Record<string, JsonValue> = {};
    const properties = schema.properties ?? {};
    for (const [name, inner] of Object.entries(properties)) {
      const at = [...path, name];
      const own = Object.hasOwn(given, name) ? given[name] : undefined;
      const wanted = own ?? this.#hint(at, typeof inner === 'boolean' ? {} : this.#flatten(inner));
      if (schema.required?.includes(name) || wanted !== undefined) result[name] = this.write(inner, at, wanted) ?? null;
    }
    if (schema.additionalProperties !== false) {
      for (const [name, value] of Object.entries(given))
        if (!(name in properties) && value !== undefined) result[name] = value;
    }
    return result;
  }

  /** Follows local references and merges `allOf`. */
  #flatten(schema: JsonSchema, depth = 0): JsonSchema {
    if (depth > maxDepth) return {};
    if (schema.$ref !== undefined) {
      const target = pointer(this.#root, schema.$ref);
      return typeof target === 'object' ? this.#flatten(target, depth + 1) : {};
    }
    if (!schema.allOf) return schema;
    const { allOf, ...rest } = schema;
    let merged: JsonSchema = rest;
    for (const part of allOf ?? []) {
      if (typeof part === 'boolean') continue;
      const flat = this.#flatten(part, depth + 1);
      merged = {
        ...merged,
        ...flat,
        ...(merged.properties || flat.properties ? { properties: { ...merged.properties, ...flat.properties } } : {}),
        ...(merged.required || flat.required
          ? { required: [...(merged.required ?? []), ...(flat.required ?? [])] }
          : {}),
      };
    }
    return merged;
  }
}

function isNull(definition: JsonSchemaOrBoolean): boolean {
  return typeof definition === 'object' && definition.type === 'null';
}

function itemSchema(schema: JsonSchema, index: number): JsonSchemaOrBoolean {
  const { items } = schema;
  if (schema.prefixItems?.[index] !== undefined) return schema.prefixItems[index];
  return isList(items) ? (items[index] ?? true) : (items ?? true);
}

function isList(items: JsonSchema['items']): items is readonly JsonSchemaOrBoolean[] {
  return Array.isArray(items);
}

function pointer(root: JsonSchemaOrBoolean, reference: string): JsonSchemaOrBoolean | undefined {
  let at: unknown = root;
  for (const part of reference.replace(/^#\/?/, '').split('/').filter(Boolean)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return typeof at === 'boolean' || (typeof at === 'object' && at !== null) ? (at as JsonSchemaOrBoolean) : undefined;
}

/** Whether a hint may stand here. Shallow: the members of objects and lists are checked when they are completed. */
function fits(value: JsonValue, schema: JsonSchema): boolean {
  if (schema.const !== undefined && value !== schema.const) return false;
  if (schema.enum && !schema.enum.some((one) => one === value)) return false;
  const types = schema.type === undefined ? undefined : [schema.type].flat();
  if (types && !types.some((type) => isOfType(value, type))) return false;
  if (typeof value === 'string') return stringFits(value, schema);
  if (typeof value === 'number') return numberFits(value, schema);
  if (Array.isArray(value))
    return value.length >= (schema.minItems ?? 0) && value.length <= (schema.maxItems ?? Infinity);
  return true;
}

function isOfType(value: JsonValue, type: string): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'null') return value === null;
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function stringFits(value: string, schema: JsonSchema): boolean {
  if (value.length < (schema.minLength ?? 0) || value.length > (schema.maxLength ?? Infinity)) return false;
  if (schema.format !== undefined && formats[schema.format]?.(value) === false) return false;
  return schema.pattern === undefined || matches(schema.pattern, value);
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(value);
  } catch {
    return true;
  }
}

function numberFits(value: number, schema: JsonSchema): boolean {
  if (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity)) return false;
  if (value <= (schema.exclusiveMinimum ?? -Infinity) || value >= (schema.exclusiveMaximum ?? Infinity)) return false;
  return schema.multipleOf === undefined || Number.isInteger(value / schema.multipleOf);
}

/** Formats that a hint is checked against; others are taken as they are. */
const formats: Readonly<Record<string, (value: string) => boolean>> = {
  uri: (value) => URL.canParse(value),
  url: (value) => URL.canParse(value),
  email: (value) => /^[\w.+-]+@[\w-]+(?:\.[\w-]+)+$/.test(value),
  uuid: (value) => /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value),
  date: (value) => /^\d{4}-\d{2}-\d{2}$/.test(value) && Number.isFinite(Date.parse(value)),
  'date-time': (value) =>
    /^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})$/.test(value) && Number.isFinite(Date.parse(value)),
};

const byFormat: Readonly<Record<string, string>> = {
  'date-time': '1970-01-01T00:00:00Z',
  date: '1970-01-01',
  time: '00:00:00Z',
  duration: 'PT0S',
  email: 'nobody@example.com',
  hostname: 'example.com',
  ipv4: '127.0.0.1',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

function stringFor(schema: JsonSchema): string {
  const candidates = [
    byFormat[schema.format ?? ''] ?? '',
    'none',
    'a',
    'A',
    '0',
    'a-b',
    'none'.padEnd(schema.minLength ?? 0, '.'),
  ];
  const plain = ''.padEnd(schema.minLength ?? 0, '-');
  return candidates.find((candidate) => stringFits(candidate, schema)) ?? plain;
}

function numberFor(schema: JsonSchema, integer: boolean): number {
  const step = schema.multipleOf ?? 1;
  const low =
    schema.minimum ??
    (schema.exclusiveMinimum === undefined ? undefined : schema.exclusiveMinimum + (integer ? 1 : Number.EPSILON));
  const high = schema.maximum ?? schema.exclusiveMaximum;
  const start = low ?? Math.min(0, high ?? 0);
  const rounded = integer || schema.multipleOf !== undefined ? Math.ceil(start / step) * step : start;
  if (numberFits(rounded, schema)) return rounded;
  const middle = low !== undefined && high !== undefined ? (low + high) / 2 : rounded - step;
  return integer ? Math.floor(middle) : middle;
}
