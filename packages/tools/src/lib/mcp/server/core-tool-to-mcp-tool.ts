import type { Approvals, JsonObject, MemoryPort, Tool, ToolContext } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { errorResult, type McpToolResult, valueToToolResult } from '../content.ts';
import type { McpCallContext } from './call-context.ts';
import { effectToHints, type McpTool } from './mcp-tool.ts';

export interface CoreToolOptions {
  /** Whose tools these are. Default `mcp`. */
  readonly genieId?: string;
  /** The only way out of a tool. Default: refuses everything. */
  readonly fetch?: typeof globalThis.fetch;
  readonly memory?: MemoryPort;
  /** Where decisions are kept. Without it a tool that needs an approval asks the client's user each time. */
  readonly approvals?: Approvals;
}

/**
 * A tool of a genie behind MCP: same arguments, same effect, same approvals. A tool that wants an approval asks the
 * user of the client; a client that cannot ask is refused.
 */
export function coreToolToMcpTool(tool: Tool, options: CoreToolOptions): McpTool {
  return {
    name: tool.name,
    description: tool.description,
    inputSchema: { type: 'object', ...tool.inputJsonSchema },
    hints: effectToHints(tool.effect),
    async run(input, context) {
      const checked = await tool.input['~standard'].validate(input);
      if (checked.issues) return errorResult(describeIssues(tool.name, checked.issues));
      const refusal = await refusalOf({ tool, input: checked.value, context, options });
      if (refusal) return refusal;
      return valueToToolResult(await runWithTimeout(tool, checked.value, toToolContext(tool, context, options)));
    },
  };
}

interface ApprovalCall {
  readonly tool: Tool;
  readonly input: unknown;
  readonly context: McpCallContext;
  readonly options: CoreToolOptions;
}

async function refusalOf({ tool, input, context, options }: ApprovalCall): Promise<McpToolResult | undefined> {
  const asks = typeof tool.approval === 'function' ? await tool.approval(input) : tool.approval !== 'never';
  if (!asks) return undefined;
  const action = {
    kind: 'tool' as const,
    genieId: options.genieId ?? 'mcp',
    subject: `tool:${tool.name}`,
    payload: { tool: tool.name, input: JSON.parse(JSON.stringify(input ?? {})) as JsonObject },
  };
  const title = `Run ${tool.name}`;
  const row = await options.approvals?.request({ action, title, callId: context.callId }, { signal: context.signal });
  if (row?.status === 'pending' || !row) {
    const allowed = await askUser(tool, input, context);
    if (row) await options.approvals?.decide(row.id, { verdict: allowed ? 'allow-once' : 'deny', by: 'mcp-client' });
    if (!allowed) return errorResult(`GENIE_APPROVAL_DENIED: the user did not allow ${tool.name}.`);
  } else if (row.status !== 'allowed') {
    return errorResult(`GENIE_APPROVAL_DENIED: ${tool.name} is not allowed (${row.status}).`);
  }
  if (row && !(await options.approvals?.consume(row.id, action, { signal: context.signal })))
    return errorResult(`GENIE_APPROVAL_DENIED: the approval of ${tool.name} was used already.`);
  return undefined;
}

async function askUser(tool: Tool, input: unknown, context: McpCallContext): Promise<boolean> {
  const { allow } = await context.ask({
    allow: {
      kind: 'form',
      message: `Allow ${tool.name} with ${JSON.stringify(input).slice(0, 2_000)}?`,
      schema: { type: 'object', properties: { allow: { type: 'boolean', title: 'Allow' } }, required: ['allow'] },
    },
  });
  return allow?.kind === 'form' && allow.action === 'accept' && allow.content.allow === true;
}

function toToolContext(tool: Tool, context: McpCallContext, options: CoreToolOptions): ToolContext {
  return {
    runId: context.callId,
    callId: context.callId,
    genieId: options.genieId ?? 'mcp',
    tool: tool.name,
    signal: context.signal,
    fetch: options.fetch ?? (() => Promise.reject(noEgress())),
    memory: options.memory,
    approvals: options.approvals,
    progress: (message, fraction) => {
      context.progress(fraction ?? 0, fraction === undefined ? undefined : 1, message).catch(() => undefined);
    },
  };
}

async function runWithTimeout(tool: Tool, input: unknown, context: ToolContext): Promise<unknown> {
  if (!Number.isFinite(tool.timeoutMs)) return tool.run(input, context);
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(tool.timeoutMs)]);
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () =>
      reject(new GenieError('GENIE_TOOL_TIMEOUT', `Tool "${tool.name}" did not answer in ${tool.timeoutMs} ms.`));
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([tool.run(input, { ...context, signal }), aborted]);
  } finally {
    if (abort) signal.removeEventListener('abort', abort);
  }
}

function describeIssues(name: string, issues: readonly { readonly message: string }[]): string {
  const reasons = issues.slice(0, 5).map((issue) => issue.message);
  return `GENIE_TOOL_INPUT: the arguments of ${name} do not fit: ${reasons.join('; ')}.`;
}

function noEgress(): GenieError {
  return new GenieError('GENIE_EGRESS_DENIED', 'This server has no egress: nothing leaves it.');
}
