import type { JsonValue } from '@genie/core/ports';

/** The part of JSON Schema (draft 7 and 2020-12) that the offline model understands. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: JsonValue;
  readonly default?: JsonValue;
  readonly enum?: readonly JsonValue[];
  readonly allOf?: readonly JsonSchemaOrBoolean[];
  readonly anyOf?: readonly JsonSchemaOrBoolean[];
  readonly oneOf?: readonly JsonSchemaOrBoolean[];
  readonly properties?: Readonly<Record<string, JsonSchemaOrBoolean>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchemaOrBoolean;
  readonly items?: JsonSchemaOrBoolean | readonly JsonSchemaOrBoolean[];
  readonly prefixItems?: readonly JsonSchemaOrBoolean[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
}

export type JsonSchemaOrBoolean = boolean | JsonSchema;
