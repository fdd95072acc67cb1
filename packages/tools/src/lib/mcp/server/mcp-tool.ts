import type { JsonObject, Tool } from '@genie/core';
import type { McpToolResult } from '../content.ts';
import type { McpCallContext } from './call-context.ts';

/** Hints for the client, as the protocol names them. Nothing is enforced by them. */
export interface McpToolHints {
  readonly title?: string;
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

/** A tool as an MCP client sees it. Arguments are validated against `inputSchema` before `run`. */
export interface McpTool {
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  /** JSON Schema, draft 2020-12 unless it says otherwise; kept as it is in the listing. */
  readonly inputSchema: JsonObject;
  readonly outputSchema?: JsonObject;
  readonly hints?: McpToolHints;
  /** Client capabilities without which the call is refused, e.g. `{ sampling: {} }`. */
  readonly requires?: JsonObject;
  /** `optional`: a task where the client knows tasks, else answered at once. `required`: only as a task. */
  readonly task?: 'optional' | 'required';
  /** How long the call is answered directly before it becomes a task: not every client that knows tasks waits for one. Default 0. */
  readonly taskAfterMs?: number;
  /** Runs before a task is created and may ask; its result is `context.prepared`. */
  prepare?(input: JsonObject, context: McpCallContext): Promise<unknown>;
  run(input: JsonObject, context: McpCallContext): Promise<McpToolResult> | McpToolResult;
}

/** The hints that follow from a declared effect. */
export function effectToHints(effect: Tool['effect']): McpToolHints {
  return {
    readOnlyHint: effect === 'read',
    idempotentHint: effect !== 'once',
    destructiveHint: effect === 'once',
  };
}
