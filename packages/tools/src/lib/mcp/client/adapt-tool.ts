import type { JsonObject, JsonValue, Permission, Tool, ToolEffect } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { clip } from '../../clip.ts';
import { isRecord } from '../content.ts';
import { describeProblems, type SchemaCheck } from '../schema/compile-schema.ts';
import { sha256 } from '../sha256.ts';
import { cleanObject } from './clean-json.ts';
import type { OfferedTool } from './pin-tools.ts';
import type { CheckedTool } from './read-offered.ts';

/** Calls a tool on whatever connection is open, e.g. after a restart. */
export type CallOffered = (
  tool: OfferedTool,
  input: JsonObject,
  call: {
    readonly signal: AbortSignal;
    readonly effect: ToolEffect;
    readonly progress: (message: string, fraction?: number) => void;
  },
) => Promise<unknown>;

/** How far hints are believed: a server that says nothing, or that a tool only reads and destroys, gets the careful choice. */
export function effectOf({ annotations }: OfferedTool): ToolEffect {
  if (annotations.readOnlyHint === true) return annotations.destructiveHint === true ? 'once' : 'read';
  return annotations.idempotentHint === true ? 'idempotent' : 'once';
}

/** `server__tool`, in the letters that models accept, at most 64 of them. */
export function toolName(server: string, name: string): string {
  const full = `${server}__${name}`.replace(/[^A-Za-z0-9_-]/g, '_');
  if (full.length <= 64 && full === `${server}__${name}`) return full;
  return `${full.slice(0, 55)}_${sha256(name).slice(0, 8)}`;
}

export interface AdaptOptions {
  readonly server: string;
  readonly permissions: readonly Permission[];
  readonly timeoutMs: number;
  readonly call: CallOffered;
}

/** A tool of a server as the loop knows tools. Arguments are checked here: the server's word is not enough. */
export function adaptTool(offered: CheckedTool, options: AdaptOptions): Tool {
  const { checkInput: check } = offered;
  const effect = effectOf(offered);
  return {
    name: toolName(options.server, offered.name),
    description: clip(offered.description, maxDescription) || `Tool ${offered.name} of the server ${options.server}.`,
    input: {
      '~standard': {
        version: 1,
        vendor: 'genie',
        validate(value) {
          const input = value ?? {};
          const problems = check(input);
          if (problems.length === 0) return { value: input };
          const leaner = withoutNulls(input, offered.inputSchema);
          if (leaner !== input && check(leaner).length === 0) return { value: leaner };
          return { issues: [{ message: describeProblems(problems) }] };
        },
      },
    },
    inputJsonSchema: offered.inputSchema,
    effect,
    permissions: options.permissions,
    timeoutMs: options.timeoutMs,
    approval: 'never',
    async run(input, context) {
      const result = await options.call(offered, input as JsonObject, {
        signal: context.signal,
        effect,
        progress: context.progress,
      });
      return readResult(offered.name, result, offered.checkOutput);
    },
  };
}

/** The pin is of the whole text; the model reads this much of it. */
const maxDescription = 8_000;

/** Models write null for what they leave out. Members that are not required go. */
function withoutNulls(input: unknown, schema: JsonObject): unknown {
  if (!isRecord(input)) return input;
  const required: readonly unknown[] = Array.isArray(schema.required) ? schema.required : [];
  const kept = Object.entries(input).filter(([key, member]) => member !== null || required.includes(key));
  return kept.length === Object.keys(input).length ? input : Object.fromEntries(kept);
}

/**
 * What the model gets: structured content where there is some, one text as a text, else the blocks. Throws
 * `GENIE_MCP_TOOL_FAILED` with the server's words when the call failed, `GENIE_MCP_RESULT` when the answer is not what the
 * server says it answers.
 */
export function readResult(name: string, result: unknown, checkOutput?: SchemaCheck): JsonValue {
  const { content, structuredContent, isError } = cleanObject(result);
  const blocks = Array.isArray(content) ? content.filter(isRecord) : [];
  const texts = blocks.flatMap((block) =>
    block.type === 'text' && typeof block.text === 'string' ? [block.text] : [],
  );
  if (isError === true)
    throw new GenieError(
      'GENIE_MCP_TOOL_FAILED',
      `${name} failed: ${texts.join('\n').slice(0, 4_000) || 'no reason given'}`,
    );
  if (structuredContent !== undefined) {
    const problems = checkOutput?.(structuredContent) ?? [];
    if (problems.length === 0) return structuredContent;
    throw new GenieError(
      'GENIE_MCP_RESULT',
      `The answer of ${name} is not what its server says it answers: ${describeProblems(problems, 'the answer')}.`,
    );
  }
  if (texts.length === blocks.length) return texts.join('\n');
  return blocks as JsonValue;
}
