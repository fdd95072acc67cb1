import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '@genie/core';
import { describeThrown } from '@genie/core/errors';
import { errorResult, isRecord, type McpToolResult } from '../content.ts';
import { missingCapability, protocolError, rpcCodes, rpcPart } from '../mcp-errors.ts';
import { compileSchema, describeProblems, type SchemaCheck } from '../schema/compile-schema.ts';
import { answerRequest, type RequestBasics } from './answer-request.ts';
import { type McpCallContext, requireCapabilities } from './call-context.ts';
import type { McpServer } from './create-mcp-server.ts';
import type { McpTool } from './mcp-tool.ts';
import { AnswersMissing } from './question.ts';
import { takePage } from './take-page.ts';
import { runTask } from './tasks/run-task.ts';
import { type Task, taskToWire } from './tasks/task-store.ts';
import { supportsTasks, tasksExtension } from './tasks/tasks-extension.ts';

const checks = new WeakMap<JsonObject, SchemaCheck>();

export function listTools(definition: McpServer, cursor: string | undefined): JsonObject {
  const { items, next } = takePage(definition.tools(), cursor);
  return { tools: items.map(toolToWire), ...next };
}

function toolToWire(tool: McpTool): JsonObject {
  return {
    name: tool.name,
    ...(tool.title === undefined ? {} : { title: tool.title }),
    description: tool.description,
    inputSchema: tool.inputSchema,
    ...(tool.outputSchema === undefined ? {} : { outputSchema: tool.outputSchema }),
    ...(tool.hints === undefined ? {} : { annotations: { ...tool.hints } }),
  };
}

/** Answers `tools/call`: a result, a question or, where the client knows tasks, a task. */
export async function callTool(basics: RequestBasics, params: unknown): Promise<JsonObject> {
  const { name, input } = readCall(params);
  const tool = basics.definition.tools().find((candidate) => candidate.name === name);
  if (!tool) throw protocolError(rpcCodes.invalidParams, `There is no tool ${JSON.stringify(name)}: see tools/list.`);
  const problems = checkOf(tool)(input);
  if (problems.length > 0)
    return wire(errorResult(`GENIE_TOOL_INPUT: the arguments of ${name} do not fit: ${describeProblems(problems)}.`));
  const result = await answerRequest(basics, { name, input }, async (context) => {
    if (tool.requires) requireCapabilities(context.clientCapabilities, [tool.requires as Record<string, unknown>]);
    const asTask = tool.task !== undefined && supportsTasks(context.clientCapabilities);
    if (tool.task === 'required' && !asTask) throw missingCapability({ extensions: { [tasksExtension]: {} } });
    const prepared = await tool.prepare?.(input, context);
    const full = { ...context, prepared };
    return asTask ? startTask(basics, tool, input, full) : wire(await runOrFail(tool, input, full));
  });
  return result as unknown as JsonObject;
}

function readCall(params: unknown): { readonly name: string; readonly input: JsonObject } {
  const { name, arguments: input = {} } = isRecord(params) ? params : {};
  if (typeof name !== 'string')
    throw protocolError(rpcCodes.invalidParams, `tools/call needs "name" as a string, got ${JSON.stringify(name)}.`);
  if (!isRecord(input))
    throw protocolError(rpcCodes.invalidParams, `tools/call needs "arguments" as an object, got ${typeof input}.`);
  return { name, input };
}

function checkOf(tool: McpTool): SchemaCheck {
  const known = checks.get(tool.inputSchema) ?? compileSchema(tool.inputSchema, tool.name);
  checks.set(tool.inputSchema, known);
  return known;
}

/** Work that went wrong is a result, so that the client's model can see it; nonsense requests stay errors. */
async function runOrFail(tool: McpTool, input: JsonObject, context: McpCallContext): Promise<McpToolResult> {
  try {
    return await tool.run(input, context);
  } catch (error) {
    if (error instanceof AnswersMissing || rpcPart(error)) throw error;
    return errorResult(describeThrown(error));
  }
}

/** A task, unless the work ends sooner than the tool wants to make one of it. */
async function startTask(
  basics: RequestBasics,
  tool: McpTool,
  input: JsonObject,
  context: McpCallContext,
): Promise<JsonObject> {
  const { tasks, now } = basics.definition;
  const task = tasks.create();
  const ended = runTask({ task, tool, input, context, now });
  if (tool.taskAfterMs !== undefined) await patience({ task, ended, context, limitMs: tool.taskAfterMs });
  if (tool.taskAfterMs === undefined || task.state.status !== 'completed')
    return { resultType: 'task', ...taskToWire(task) };
  return wire(task.state.result);
}

interface Patience {
  readonly task: Task;
  readonly ended: Promise<void>;
  readonly context: McpCallContext;
  readonly limitMs: number;
}

/** Ends with the work, with a question of the work to the client, or with the time. A client that leaves meanwhile cancels. */
async function patience({ task, ended, context, limitMs }: Patience): Promise<void> {
  const cancel = (): void => task.cancel();
  context.signal.addEventListener('abort', cancel, { once: true });
  let isOver = false;
  const over = ended.then(() => {
    isOver = true;
  });
  for (const until = performance.now() + limitMs; !isOver && task.open.size === 0 && performance.now() < until; )
    await Promise.race([over, sleep(100)]);
  context.signal.removeEventListener('abort', cancel);
}

function wire(result: McpToolResult): JsonObject {
  return { ...result } as unknown as JsonObject;
}
