import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describeThrown, GenieError } from '../genie-error.ts';
import type { JsonObject } from '../json.ts';

/** The optional JSON Schema side of a Standard Schema (https://standardschema.dev/json-schema). */
interface JsonSchemaSource {
  readonly jsonSchema?: { input(options: { readonly target: string }): unknown };
}

/**
 * Derives the JSON Schema (draft 2020-12) a model is shown. Works for libraries that implement Standard JSON Schema;
 * others pass `inputJsonSchema`. Throws `GENIE_TOOL_SCHEMA`.
 */
export function schemaToJson(schema: StandardSchemaV1, toolName: string): JsonObject {
  const standard = schema['~standard'] as StandardSchemaV1.Props & JsonSchemaSource;
  if (!standard.jsonSchema) {
    throw new GenieError(
      'GENIE_TOOL_SCHEMA',
      `Tool "${toolName}": the schema library "${standard.vendor}" offers no JSON Schema. Pass "inputJsonSchema" too.`,
    );
  }
  try {
    return standard.jsonSchema.input({ target: 'draft-2020-12' }) as JsonObject;
  } catch (error) {
    throw new GenieError('GENIE_TOOL_SCHEMA', `Tool "${toolName}": ${describeThrown(error)}`, { cause: error });
  }
}
