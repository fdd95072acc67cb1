import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Approvals } from '../approvals/approvals.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import type { MemoryPort } from '../ports/memory.ts';

/**
 * What happens when a call is made twice. `read` changes nothing, `idempotent` may be repeated, `once` must never be
 * repeated silently: after a crash an in-flight `once` call becomes an approval. A tool that does not say is `once`.
 */
export type ToolEffect = 'read' | 'idempotent' | 'once';

/** `fs:read`, `fs:write`, `shell`, `net:<host>`, `memory:<what>`. */
export type Permission = string;

/** Whether the user is asked before a call. A function sees the validated arguments. */
export type ApprovalPolicy = 'never' | 'always' | 'first-use' | ((input: unknown) => boolean | Promise<boolean>);

export interface ToolContext {
  readonly runId: string;
  readonly callId: string;
  readonly genieId: string;
  readonly tool: string;
  /** Aborts on cancellation and on the tool's timeout. */
  readonly signal: AbortSignal;
  /** The only way out: the egress filter, with this call as context. Refuses everything when the genie has no egress. */
  readonly fetch: typeof globalThis.fetch;
  readonly memory?: MemoryPort | undefined;
  readonly approvals?: Approvals | undefined;
  /** Tells the user how far a long call is. */
  progress(message: string, fraction?: number): void;
}

/** A typed action. Tools from functions, plugins, MCP and peers look the same to the loop. */
export interface Tool<Input = unknown, Output = unknown> {
  readonly name: string;
  readonly description: string;
  readonly input: StandardSchemaV1<unknown, Input>;
  /** Draft 2020-12 object schema as sent to the model. */
  readonly inputJsonSchema: JsonObject;
  readonly output?: StandardSchemaV1<unknown, Output>;
  readonly effect: ToolEffect;
  readonly permissions: readonly Permission[];
  readonly timeoutMs: number;
  readonly approval: ApprovalPolicy;
  run(input: Input, context: ToolContext): Output | Promise<Output>;
}

/** What the loop asks for tools. Read at the start of every step, so a toolbox may change between steps. */
export interface Toolbox {
  list(): readonly Tool[];
  get(name: string): Tool | undefined;
}

export type ToolOutput = JsonValue | undefined;
