import type { Tool, ToolContext } from '@genie/core';
import { GenieError } from '@genie/core/errors';

/** A context for calling a tool without a loop. Its fetch refuses everything unless one is given. */
export function toolContext(overrides: Partial<ToolContext> = {}): ToolContext {
  return {
    runId: 'run_test',
    callId: 'call_test',
    genieId: 'genie_test',
    tool: 'test',
    signal: new AbortController().signal,
    fetch: () => Promise.reject(new GenieError('GENIE_EGRESS_DENIED', 'This genie has no egress: nothing leaves it.')),
    progress: () => undefined,
    ...overrides,
  };
}

/** Validates arguments and result the way the loop does. Throws `GENIE_TOOL_INPUT` and `GENIE_TOOL_OUTPUT`. */
export async function callTool(tool: Tool, input: unknown, overrides: Partial<ToolContext> = {}): Promise<unknown> {
  const checked = await tool.input['~standard'].validate(input);
  if (checked.issues) throw new GenieError('GENIE_TOOL_INPUT', describe(tool.name, checked.issues));
  const output = await tool.run(checked.value, toolContext({ tool: tool.name, ...overrides }));
  if (!tool.output) return output;
  const result = await tool.output['~standard'].validate(output);
  if (result.issues) throw new GenieError('GENIE_TOOL_OUTPUT', describe(tool.name, result.issues));
  return result.value;
}

function describe(name: string, issues: readonly { readonly message: string }[]): string {
  return `Tool "${name}": ${issues.map((issue) => issue.message).join('; ')}`;
}
