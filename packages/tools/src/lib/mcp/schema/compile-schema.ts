import { createRequire } from 'node:module';
import type { JsonObject } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import type { Ajv } from 'ajv';

export interface SchemaProblem {
  /** Where in the value, e.g. `/address/street`. */
  readonly path: string;
  readonly message: string;
}

/** Checks one value; an empty list means that it fits. */
export type SchemaCheck = (value: unknown) => readonly SchemaProblem[];

/** CommonJS, loaded with the first schema: a server that is only listed needs none. */
const require = createRequire(import.meta.url);

const maxSchemaCharacters = 512 * 1024;
const maxDepth = 64;

/**
 * Compiles a JSON Schema: draft 2020-12, or draft 7 where the schema says so. Nothing is ever fetched: a `$ref` outside
 * the schema is an error. Formats are annotations, as the draft has it. Unknown keywords are ignored.
 * Throws `GENIE_MCP_SCHEMA` for a schema that cannot be used: too large, too deep, not a schema, a foreign `$ref`.
 */
export function compileSchema(schema: JsonObject, name: string): SchemaCheck {
  const text = JSON.stringify(schema);
  if (text.length > maxSchemaCharacters)
    throw unusable(name, `it has ${text.length} characters, ${maxSchemaCharacters} are accepted`);
  if (depthOf(schema) > maxDepth) throw unusable(name, `it nests deeper than ${maxDepth}`);
  const dialect = typeof schema.$schema === 'string' ? schema.$schema : '';
  const isOlder = dialect.includes('draft-07') || dialect.includes('draft-06');
  const { default: Engine } = require(isOlder ? 'ajv' : 'ajv/dist/2020.js') as { readonly default: typeof Ajv };
  const engine = new Engine({
    strict: false,
    validateFormats: false,
    allErrors: false,
    logger: false,
    ownProperties: true,
  });
  try {
    const validate = engine.compile(JSON.parse(text) as object);
    return (value) => {
      if (validate(value) === true) return [];
      return (validate.errors ?? []).map((error) => ({
        path: error.instancePath,
        message: `${error.message ?? 'does not fit'}${detailOf(error.params)}`,
      }));
    };
  } catch (error) {
    throw unusable(name, error instanceof Error ? error.message : String(error));
  }
}

/** One line for the model: what is wrong and where. */
export function describeProblems(problems: readonly SchemaProblem[], whole = 'the arguments'): string {
  return problems
    .slice(0, 5)
    .map(({ path, message }) => `${path || whole} ${message}`)
    .join('; ');
}

function detailOf(params: unknown): string {
  const record = params as Readonly<Record<string, unknown>>;
  const detail = record.additionalProperty ?? record.allowedValues;
  return detail === undefined ? '' : ` (${JSON.stringify(detail).slice(0, 200)})`;
}

function depthOf(value: unknown): number {
  let deepest = 0;
  const stack: [unknown, number][] = [[value, 1]];
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const [item, depth] = entry;
    if (depth > deepest) deepest = depth;
    if (deepest > maxDepth) return deepest;
    if (typeof item === 'object' && item !== null)
      for (const member of Object.values(item)) stack.push([member, depth + 1]);
  }
  return deepest;
}

function unusable(name: string, reason: string): GenieError {
  return new GenieError('GENIE_MCP_SCHEMA', `The schema of ${JSON.stringify(name)} cannot be used: ${reason}.`);
}
