import { randomBytes } from 'node:crypto';
import { GenieError } from '@genie/core/errors';
import { type Clock, createIds, type Ids, systemClock, type Tool, type Toolbox } from '@genie/core/ports';
import { type CoreToolOptions, coreToolToMcpTool } from './core-tool-to-mcp-tool.ts';
import type { McpPrompt, McpResource, McpResourceTemplate } from './mcp-resource.ts';
import type { McpTool } from './mcp-tool.ts';
import { createRegistry, type McpChange } from './registry.ts';
import { createRequestStates, type RequestStates } from './request-state.ts';
import { createTaskStore, type TaskStore } from './tasks/task-store.ts';

export interface McpServerOptions {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
  /** Told to the client's model: what this server is for. */
  readonly instructions?: string;
  /** A toolbox of a genie (read anew for every listing), or tools one by one. */
  readonly tools?: Toolbox | readonly (McpTool | Tool)[];
  readonly resources?: readonly McpResource[];
  readonly resourceTemplates?: readonly McpResourceTemplate[];
  readonly prompts?: readonly McpPrompt[];
  /** How tools of a genie run when an MCP client calls them. */
  readonly toolContext?: CoreToolOptions;
  /** At least 32 bytes; several processes behind one address need the same. Default: random for this process. */
  readonly stateKey?: Uint8Array;
  /** How long a finished task can be read. Default 1 hour. */
  readonly taskLifetimeMs?: number;
  /** Most tasks kept at a time. Default 1,000. */
  readonly maxTasks?: number;
  readonly clock?: Clock;
  readonly ids?: Ids;
}

/** What is served, apart from how. One definition serves every connection, both eras and all transports at once. */
export interface McpServer {
  readonly name: string;
  readonly version: string;
  readonly title: string | undefined;
  readonly instructions: string | undefined;
  tools(): readonly McpTool[];
  resources(): readonly McpResource[];
  resourceTemplates(): readonly McpResourceTemplate[];
  prompts(): readonly McpPrompt[];
  /** Adds a tool or replaces the one of that name, and tells the clients. Likewise the others. */
  addTool(tool: McpTool | Tool): void;
  removeTool(name: string): boolean;
  addPrompt(prompt: McpPrompt): void;
  removePrompt(name: string): boolean;
  addResource(resource: McpResource): void;
  removeResource(uri: string): boolean;
  /** For a toolbox that changed by itself. */
  toolsChanged(): void;
  /** Tells the clients that watch this document. */
  resourceUpdated(uri: string): void;
  /** Called by whoever serves; returns the way to stop. */
  onChange(listener: (change: McpChange) => void): () => void;
  readonly tasks: TaskStore;
  readonly states: RequestStates;
  readonly ids: Ids;
  now(): number;
  /** Cancels the tasks. Serving ends with the handle of `serveMcp`. */
  close(): Promise<void>;
}

/**
 * Declares an MCP server: tools, resources and prompts in terms of a genie. `serveMcp` puts it on stdio or HTTP.
 * Throws `GENIE_MCP_SERVER` for two tools of one name or a state key that is too short.
 */
export function createMcpServer(options: McpServerOptions): McpServer {
  const clock = options.clock ?? systemClock;
  const ids = options.ids ?? createIds(clock);
  const stateKey = options.stateKey ?? randomBytes(32);
  if (stateKey.length < 32)
    throw new GenieError('GENIE_MCP_SERVER', `"stateKey" has ${stateKey.length} bytes: give at least 32 random ones.`);
  const toMcp = (tool: McpTool | Tool): McpTool =>
    'inputSchema' in tool ? tool : coreToolToMcpTool(tool, options.toolContext ?? {});
  const registry = createRegistry({ ...options, tools: toolSource(options.tools, toMcp) });
  const tasks = createTaskStore({
    clock,
    lifetimeMs: options.taskLifetimeMs ?? 3_600_000,
    maxTasks: options.maxTasks ?? 1_000,
  });
  return {
    name: options.name,
    version: options.version,
    title: options.title,
    instructions: options.instructions,
    ...registry,
    addTool: (tool) => registry.addTool(toMcp(tool)),
    tasks,
    states: createRequestStates(stateKey, clock),
    ids,
    now: () => clock.now(),
    close: () => tasks.close(),
  };
}

/** Converts a tool of a toolbox once, however often it is listed. */
function toolSource(
  tools: McpServerOptions['tools'],
  toMcp: (tool: McpTool | Tool) => McpTool,
): () => readonly McpTool[] {
  if (tools === undefined) return () => [];
  if ('list' in tools) {
    const converted = new WeakMap<Tool, McpTool>();
    return () =>
      tools.list().map((tool) => {
        const known = converted.get(tool) ?? toMcp(tool);
        converted.set(tool, known);
        return known;
      });
  }
  const list = tools.map(toMcp);
  return () => list;
}
