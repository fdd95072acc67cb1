import type { JsonObject, JsonValue } from '@genie/core';
import { isRecord } from '../content.ts';

export type FilledArguments =
  | { readonly input: JsonObject }
  /** Names of required arguments that only a guess could fill. */
  | { readonly needs: readonly string[] };

/**
 * Arguments that a tool's schema itself gives: nothing where nothing is required, else the `const`, the only `enum` value or the
 * `default` of each required one. The caller validates them: a schema may ask for more than `required` says.
 */
export function fillArguments(schema: JsonObject): FilledArguments {
  const required = Array.isArray(schema.required) ? schema.required.filter((name) => typeof name === 'string') : [];
  const properties = isRecord(schema.properties) ? schema.properties : {};
  const filled = required.map(
    (name) => [name, onlyValue(Object.hasOwn(properties, name) && properties[name])] as const,
  );
  const needs = filled.filter(([, value]) => value === undefined).map(([name]) => name);
  return needs.length > 0 ? { needs } : { input: Object.fromEntries(filled) as JsonObject };
}

function onlyValue(schema: unknown): JsonValue | undefined {
  if (!isRecord(schema)) return undefined;
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum) && schema.enum.length === 1) return schema.enum[0];
  return schema.default;
}
