import type { StandardSchemaV1 } from '@standard-schema/spec';
import { GenieError } from '../genie-error.ts';
import type { JsonObject } from '../json.ts';
import { schemaToJson } from './schema-to-json.ts';
import type { ApprovalPolicy, Permission, Tool, ToolContext, ToolEffect } from './tool.ts';

export interface ToolOptions<InputSchema extends StandardSchemaV1, Output> {
  /** 1 to 64 letters, digits, `_` or `-`. */
  readonly name: string;
  /** For the model: what it does and when to use it. */
  readonly description: string;
  readonly input: InputSchema;
  /** Checked after the call; a result that does not match is a failed call. */
  readonly output?: StandardSchemaV1<unknown, Output>;
  /** Default `once`, the careful choice. */
  readonly effect?: ToolEffect;
  readonly permissions?: readonly Permission[];
  /** Default 30,000. `Infinity` for no limit. */
  readonly timeoutMs?: number;
  /** Default `never`. */
  readonly approval?: ApprovalPolicy;
  /** JSON Schema of `input`, for schema libraries that cannot derive one. */
  readonly inputJsonSchema?: JsonObject;
  run(input: StandardSchemaV1.InferOutput<InputSchema>, context: ToolContext): Output | Promise<Output>;
}

const toolName = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Declares a tool. The input may be any Standard Schema (https://standardschema.dev).
 * Throws `GENIE_TOOL_INVALID` when the name, the effect or the timeout is not usable.
 */
export function defineTool<InputSchema extends StandardSchemaV1, Output = unknown>(
  options: ToolOptions<InputSchema, Output>,
): Tool<StandardSchemaV1.InferOutput<InputSchema>, Output> {
  if (!toolName.test(options.name)) {
    throw new GenieError(
      'GENIE_TOOL_INVALID',
      `Tool name ${JSON.stringify(options.name)} is not usable: use 1 to 64 letters, digits, "_" or "-".`,
    );
  }
  const { effect = 'once', timeoutMs = 30_000 } = options;
  if (effect !== 'read' && effect !== 'idempotent' && effect !== 'once') {
    throw new GenieError(
      'GENIE_TOOL_INVALID',
      `Tool "${options.name}" has effect ${JSON.stringify(effect)}: use "read", "idempotent" or "once".`,
    );
  }
  if (!(timeoutMs > 0)) {
    throw new GenieError(
      'GENIE_TOOL_INVALID',
      `Tool "${options.name}" has timeoutMs ${timeoutMs}: use a positive number of milliseconds or Infinity.`,
    );
  }
  if (typeof options.run !== 'function' || !options.input?.['~standard']) {
    throw new GenieError(
      'GENIE_TOOL_INVALID',
      `Tool "${options.name}" needs "run" (a function) and "input" (a Standard Schema, e.g. z.object({})).`,
    );
  }
  let jsonSchema = options.inputJsonSchema;
  return {
    name: options.name,
    description: options.description,
    input: options.input as StandardSchemaV1<unknown, StandardSchemaV1.InferOutput<InputSchema>>,
    // Derived on first use: it costs about 11 µs a tool and many tools are never offered.
    get inputJsonSchema() {
      jsonSchema ??= schemaToJson(options.input, options.name);
      return jsonSchema;
    },
    ...(options.output ? { output: options.output } : {}),
    effect,
    permissions: options.permissions ?? [],
    timeoutMs,
    approval: options.approval ?? 'never',
    run: (input, context) => options.run(input, context),
  };
}
