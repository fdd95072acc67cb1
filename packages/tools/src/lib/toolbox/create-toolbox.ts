import {
  type ApprovalPolicy,
  GenieError,
  type ObjectStore,
  type Permission,
  type Tool,
  type Toolbox,
  type ToolContext,
} from '@genie/core';
import { boundResult, type ResultLimits, settleStream } from './bound-result.ts';
import { lenientSchema } from './lenient-schema.ts';
import { confineContext, missingPermissions } from './permissions.ts';
import { readArtifact } from './read-artifact.ts';

export interface ToolboxOptions {
  /** What the tools may do, e.g. `['fs:read', 'net:*']`. Tools that want more are withheld. Default: what they declare. */
  readonly permissions?: readonly Permission[];
  /** Approval policies by tool name; they replace the tool's own. */
  readonly approval?: Readonly<Record<string, ApprovalPolicy>>;
  /** Where results that are too long are kept. With it comes the tool `read_artifact`. */
  readonly artifacts?: ObjectStore;
  /** Most characters of JSON of one result. Default 40,000. */
  readonly maxResultCharacters?: number;
  /** Most bytes read from a result that is a stream. Default 16 MiB. */
  readonly maxStreamBytes?: number;
}

/** A toolbox that also tells what it holds back. */
export interface CheckedToolbox extends Toolbox {
  /** Tools that are not offered, and the permissions they lack. */
  readonly withheld: readonly { readonly name: string; readonly missing: readonly Permission[] }[];
}

/**
 * Puts tools together under their names, whatever they come from: functions, plugins, servers. Each call gets only what
 * its tool declared, near-miss arguments get one repair, long results are kept aside and streams are read to an end.
 * Throws `GENIE_TOOL_DUPLICATE` when two tools have one name and `GENIE_OPTIONS_INVALID` for a policy of no tool.
 * Errors of a call: `GENIE_PERMISSION_DENIED`, `GENIE_TOOL_OUTPUT` (the result does not fit the tool's own schema),
 * `GENIE_TOOL_RESULT` (it is no JSON).
 */
export function createToolbox(
  tools: readonly (Tool | readonly Tool[])[],
  options: ToolboxOptions = {},
): CheckedToolbox {
  const limits: ResultLimits = {
    maxResultCharacters: options.maxResultCharacters ?? 40_000,
    maxStreamBytes: options.maxStreamBytes ?? 16 * 1024 * 1024,
    artifacts: options.artifacts,
  };
  const all = [...tools.flat(), ...(options.artifacts ? [readArtifact(options.artifacts)] : [])] as Tool[];
  const byName = new Map<string, Tool>();
  const withheld: { name: string; missing: readonly Permission[] }[] = [];
  const seen = new Set<string>();
  for (const tool of all) {
    if (seen.has(tool.name))
      throw new GenieError(
        'GENIE_TOOL_DUPLICATE',
        `Two tools are called ${JSON.stringify(tool.name)}: rename one of them.`,
      );
    seen.add(tool.name);
    const missing = options.permissions ? missingPermissions(tool, options.permissions) : [];
    if (missing.length > 0) withheld.push({ name: tool.name, missing });
    else byName.set(tool.name, checkedTool(tool, limits, options.approval?.[tool.name]));
  }
  for (const name of Object.keys(options.approval ?? {})) {
    if (!seen.has(name))
      throw new GenieError(
        'GENIE_OPTIONS_INVALID',
        `"approval" names the tool ${JSON.stringify(name)}, which is not in the toolbox.`,
      );
  }
  const list = Object.freeze([...byName.values()]);
  return { list: () => list, get: (name) => byName.get(name), withheld };
}

function checkedTool(tool: Tool, limits: ResultLimits, approval: ApprovalPolicy | undefined): Tool {
  return {
    name: tool.name,
    description: tool.description,
    input: lenientSchema(tool),
    // Derived when a model is first offered the tool.
    get inputJsonSchema() {
      return tool.inputJsonSchema;
    },
    effect: tool.effect,
    permissions: tool.permissions,
    timeoutMs: tool.timeoutMs,
    approval: approval ?? tool.approval,
    run: (input, context) => callChecked(tool, input, { context, limits }),
  };
}

interface Call {
  readonly context: ToolContext;
  readonly limits: ResultLimits;
}

/** Stays synchronous for a tool that is. */
function callChecked(tool: Tool, input: unknown, call: Call): unknown {
  const value = tool.run(input, confineContext(tool, call.context));
  if (isPromise(value)) return value.then((result) => finish(tool, result, call));
  return finish(tool, value, call);
}

function finish(tool: Tool, value: unknown, call: Call): unknown {
  const settled = settleStream(value, call.context, call.limits);
  if (isPromise(settled)) return settled.then((result) => finish(tool, result, call));
  const checked = checkOutput(tool, settled);
  return isPromise(checked)
    ? checked.then((result) => boundResult(result, call.context, call.limits))
    : boundResult(checked, call.context, call.limits);
}

function checkOutput(tool: Tool, value: unknown): unknown {
  if (!tool.output) return value;
  const result = tool.output['~standard'].validate(value);
  return isPromise(result) ? result.then((late) => outputOrThrow(tool, late)) : outputOrThrow(tool, result);
}

type OutputResult = Awaited<ReturnType<NonNullable<Tool['output']>['~standard']['validate']>>;

function outputOrThrow(tool: Tool, result: OutputResult): unknown {
  if (!result.issues) return result.value;
  const reasons = result.issues
    .slice(0, 5)
    .map((issue) => issue.message)
    .join('; ');
  throw new GenieError(
    'GENIE_TOOL_OUTPUT',
    `Tool "${tool.name}" returned something that does not fit its own schema: ${reasons}.`,
  );
}

function isPromise<Value>(value: Value | PromiseLike<Value>): value is Promise<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
