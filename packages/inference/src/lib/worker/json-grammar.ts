import type { JsonSchema, JsonSchemaOrBoolean } from '../json-schema.ts';

const maxDepth = 12;

/** Bounds for strings and lists that have none of their own. */
interface Limits {
  readonly characters: number;
  readonly items: number;
}

/**
 * Writes a GBNF grammar (https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md) whose texts are compact JSON values of the schema.
 * Every text ends within about `maxTokens` tokens: strings, lists and numbers are bounded. Required members come first, in order, then optional ones. `pattern`, `format` and bounds of wide
 * number ranges are not expressed; callers check the value afterwards.
 */
export function jsonGrammar(schema: JsonSchemaOrBoolean, maxTokens = 1_024): string {
  return new GrammarWriter(schema, limitsFor(schema, maxTokens)).write();
}

/** Shares the tokens among all strings that the schema may hold, at a character a token (the worst case), with a fifth left for the rest. */
function limitsFor(schema: JsonSchemaOrBoolean, maxTokens: number): Limits {
  for (const items of [16, 8, 4, 2, 1]) {
    const characters = Math.floor((maxTokens * 0.8) / Math.max(1, countStrings(schema, items, 0)));
    if (characters >= 24 || items === 1) return { characters: Math.min(1_000, Math.max(4, characters)), items };
  }
  return { characters: 4, items: 1 };
}

function countStrings(schema: JsonSchemaOrBoolean, items: number, depth: number): number {
  if (typeof schema === 'boolean' || depth > maxDepth) return 1;
  const inner = (one: JsonSchemaOrBoolean) => countStrings(one, items, depth + 1);
  const sum = (list: readonly JsonSchemaOrBoolean[]) => list.reduce((total: number, one) => total + inner(one), 0);
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants) return Math.max(...variants.map(inner));
  if (schema.enum || schema.const !== undefined) return 0.5;
  const { items: of, prefixItems } = schema;
  if (Array.isArray(of) || prefixItems) return sum(prefixItems ?? (of as readonly JsonSchemaOrBoolean[]));
  if (schema.type === 'array')
    return (
      Math.max(schema.minItems ?? 0, Math.min(schema.maxItems ?? items, items)) *
      inner((of as JsonSchemaOrBoolean | undefined) ?? true)
    );
  // Each member costs its name as well.
  return schema.properties
    ? sum(Object.values(schema.properties)) + Object.keys(schema.properties).join('').length / 24
    : 1;
}

class GrammarWriter {
  readonly #root: JsonSchemaOrBoolean;
  readonly #limits: Limits;
  readonly #rules = new Map<string, string>();
  readonly #references = new Map<string, string>();

  constructor(root: JsonSchemaOrBoolean, limits: Limits) {
    this.#root = root;
    this.#limits = limits;
  }

  write(): string {
    const root = this.#value(this.#root, 0);
    return [`root ::= ${root}`, ...[...this.#rules].map(([name, body]) => `${name} ::= ${body}`)].join('\n');
  }

  /** The name of a rule, or an expression in parentheses. */
  #value(definition: JsonSchemaOrBoolean, depth: number): string {
    if (depth > maxDepth) return this.#rule('null', '"null"');
    if (typeof definition === 'boolean') return this.#any(depth);
    if (definition.$ref !== undefined) return this.#reference(definition.$ref, depth);
    if (definition.const !== undefined) return literal(definition.const);
    if (definition.enum) return `(${definition.enum.map(literal).join(' | ')})`;
    const variants = definition.anyOf ?? definition.oneOf;
    if (variants) return `(${variants.map((variant) => this.#value(variant, depth + 1)).join(' | ')})`;
    if (definition.allOf) return this.#value(merge(definition), depth + 1);
    const types = definition.type === undefined ? [] : [definition.type].flat();
    if (types.length > 1) return `(${types.map((type) => this.#typed(type, definition, depth)).join(' | ')})`;
    return types[0] === undefined ? this.#untyped(definition, depth) : this.#typed(types[0], definition, depth);
  }

  #untyped(schema: JsonSchema, depth: number): string {
    return schema.properties ? this.#object(schema, depth) : this.#any(depth);
  }

  #typed(type: string, schema: JsonSchema, depth: number): string {
    switch (type) {
      case 'object':
        return this.#object(schema, depth);
      case 'array':
        return this.#array(schema, depth);
      case 'string':
        return this.#string(schema);
      case 'integer':
        return integers(schema) ?? this.#rule('integer', '"-"? ("0" | [1-9] [0-9]{0,8})');
      case 'number':
        return this.#rule('number', '"-"? ("0" | [1-9] [0-9]{0,8}) ("." [0-9]{1,6})?');
      case 'boolean':
        return this.#rule('boolean', '"true" | "false"');
      default:
        return this.#rule('null', '"null"');
    }
  }

  #object(schema: JsonSchema, depth: number): string {
    const entries = Object.entries(schema.properties ?? {});
    const isRequired = ([name]: readonly [string, unknown]) => schema.required?.includes(name) === true;
    const member = ([name, inner]: readonly [string, JsonSchemaOrBoolean]) =>
      `${literal(name)} ":" ${this.#value(inner, depth + 1)}`;
    const required = entries.filter(isRequired).map(member);
    const optional = entries.filter((entry) => !isRequired(entry)).map(member);
    const tail = optional.map((one) => `("," ${one})?`).join(' ');
    if (required.length > 0) return this.#fresh('object', `"{" ${required.join(' "," ')} ${tail} "}"`);
    // Whichever optional member comes first has no comma before it.
    const starts = optional.map((one, index) =>
      [one, ...optional.slice(index + 1).map((rest) => `("," ${rest})?`)].join(' '),
    );
    return this.#fresh('object', starts.length > 0 ? `"{" (${starts.join(' | ')})? "}"` : '"{}"');
  }

  #array(schema: JsonSchema, depth: number): string {
    const { items } = schema;
    const fixed = schema.prefixItems ?? (Array.isArray(items) ? (items as readonly JsonSchemaOrBoolean[]) : []);
    if (fixed.length > 0)
      return this.#fresh('tuple', `"[" ${fixed.map((one) => this.#value(one, depth + 1)).join(' "," ')} "]"`);
    const item = this.#value(
      Array.isArray(items) ? true : ((items as JsonSchemaOrBoolean | undefined) ?? true),
      depth + 1,
    );
    const least = schema.minItems ?? 0;
    const most = Math.max(least, Math.min(schema.maxItems ?? this.#limits.items, Math.max(least, this.#limits.items)));
    if (most === 0) return '"[]"';
    const list = `${item} ("," ${item}){${Math.max(0, least - 1)},${most - 1}}`;
    return this.#fresh('array', least === 0 ? `"[" (${list})? "]"` : `"[" ${list} "]"`);
  }

  #string(schema: JsonSchema): string {
    this.#rule('char', '[^"\\\\\\x00-\\x1F\\x7F] | "\\\\" ["\\\\/bfnrt]');
    const least = schema.minLength ?? 0;
    const most = Math.max(
      least,
      Math.min(schema.maxLength ?? this.#limits.characters, Math.max(least, this.#limits.characters)),
    );
    return this.#rule(`string-${least}-${most}`, `"\\"" char{${least},${most}} "\\""`);
  }

  /** Any JSON value, shallow: depth ends somewhere. */
  #any(depth: number): string {
    const text = this.#string({});
    const number = this.#typed('number', {}, depth);
    return `(${text} | ${number} | "true" | "false" | "null")`;
  }

  #reference(reference: string, depth: number): string {
    const known = this.#references.get(reference);
    if (known !== undefined) return known;
    const name = `ref-${this.#references.size}`;
    this.#references.set(reference, name);
    this.#rules.set(name, '"null"');
    this.#rules.set(name, this.#value(resolve(this.#root, reference) ?? true, depth + 1));
    return name;
  }

  #rule(name: string, body: string): string {
    this.#rules.set(name, body);
    return name;
  }

  #fresh(prefix: string, body: string): string {
    return this.#rule(`${prefix}-${this.#rules.size}`, body);
  }
}

function literal(value: unknown): string {
  // JSON has escaped what cannot be printed; these two mean something in GBNF.
  return `"${JSON.stringify(value).replace(/["\\]/g, '\\$&')}"`;
}

/** Small ranges are listed, so that a bound always holds. */
function integers({
  minimum,
  maximum,
  exclusiveMinimum,
  exclusiveMaximum,
  multipleOf,
}: JsonSchema): string | undefined {
  const low = minimum ?? (exclusiveMinimum === undefined ? undefined : exclusiveMinimum + 1);
  const high = maximum ?? (exclusiveMaximum === undefined ? undefined : exclusiveMaximum - 1);
  if (low === undefined && high === undefined) return undefined;
  const step = multipleOf ?? 1;
  const first = Math.ceil((low ?? (high ?? 0) - 255 * step) / step) * step;
  const last = high ?? first + 255 * step;
  const count = Math.floor((last - first) / step) + 1;
  if (count > 256 || count < 1) return spread(first, last, step);
  return `(${Array.from({ length: count }, (_, index) => `"${first + index * step}"`).join(' | ')})`;
}

/** 256 values over a wide range: fewer than allowed, but each of them valid. */
function spread(first: number, last: number, step: number): string {
  const values = Array.from(
    { length: 256 },
    (_, index) => first + Math.floor(((last - first) / step / 255) * index) * step,
  );
  return `(${[...new Set(values.filter((value) => value >= first && value <= last))].map((value) => `"${value}"`).join(' | ')})`;
}

function merge(schema: JsonSchema): JsonSchema {
  const { allOf = [], ...rest } = schema;
  let merged: JsonSchema = rest;
  for (const part of allOf) {
    if (typeof part === 'boolean') continue;
    const properties = { ...merged.properties, ...part.properties };
    const required = [...(merged.required ?? []), ...(part.required ?? [])];
    merged = {
      ...merged,
      ...part,
      ...(Object.keys(properties).length > 0 ? { properties } : {}),
      ...(required.length > 0 ? { required } : {}),
    };
  }
  return merged;
}

function resolve(root: JsonSchemaOrBoolean, reference: string): JsonSchemaOrBoolean | undefined {
  let at: unknown = root;
  for (const part of reference.replace(/^#\/?/, '').split('/').filter(Boolean)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return typeof at === 'boolean' || (typeof at === 'object' && at !== null) ? (at as JsonSchemaOrBoolean) : undefined;
}
