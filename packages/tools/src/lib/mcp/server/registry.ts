import { GenieError } from '@genie/core/errors';
import type { McpPrompt, McpResource, McpResourceTemplate } from './mcp-resource.ts';
import type { McpTool } from './mcp-tool.ts';

export type McpChange =
  | { readonly kind: 'tools' }
  | { readonly kind: 'prompts' }
  | { readonly kind: 'resources' }
  | { readonly kind: 'resource'; readonly uri: string };

export interface RegistryContent {
  readonly tools: () => readonly McpTool[];
  readonly resources?: readonly McpResource[];
  readonly resourceTemplates?: readonly McpResourceTemplate[];
  readonly prompts?: readonly McpPrompt[];
}

/** What a server offers, kept in one place so that a change reaches every connection. */
export function createRegistry(content: RegistryContent) {
  const listeners = new Set<(change: McpChange) => void>();
  const added = new Map<string, McpTool>();
  const removed = new Set<string>();
  const prompts = new Map((content.prompts ?? []).map((prompt) => [prompt.name, prompt]));
  const resources = new Map((content.resources ?? []).map((resource) => [resource.uri, resource]));
  const tell = (change: McpChange): void => {
    for (const listener of [...listeners]) listener(change);
  };
  const tools = (): readonly McpTool[] => [
    ...content.tools().filter(({ name }) => !removed.has(name) && !added.has(name)),
    ...added.values(),
  ];
  refuseTwins(content.tools());
  return {
    tools,
    resources: () => [...resources.values()],
    resourceTemplates: () => content.resourceTemplates ?? [],
    prompts: () => [...prompts.values()],
    addTool(tool: McpTool): void {
      added.set(tool.name, tool);
      removed.delete(tool.name);
      tell({ kind: 'tools' });
    },
    removeTool(name: string): boolean {
      if (!tools().some((tool) => tool.name === name)) return false;
      added.delete(name);
      removed.add(name);
      tell({ kind: 'tools' });
      return true;
    },
    addPrompt(prompt: McpPrompt): void {
      prompts.set(prompt.name, prompt);
      tell({ kind: 'prompts' });
    },
    removePrompt(name: string): boolean {
      const existed = prompts.delete(name);
      if (existed) tell({ kind: 'prompts' });
      return existed;
    },
    addResource(resource: McpResource): void {
      resources.set(resource.uri, resource);
      tell({ kind: 'resources' });
    },
    removeResource(uri: string): boolean {
      const existed = resources.delete(uri);
      if (existed) tell({ kind: 'resources' });
      return existed;
    },
    toolsChanged: () => tell({ kind: 'tools' }),
    resourceUpdated: (uri: string) => tell({ kind: 'resource', uri }),
    onChange(listener: (change: McpChange) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function refuseTwins(tools: readonly McpTool[]): void {
  const seen = new Set<string>();
  for (const { name } of tools) {
    if (seen.has(name))
      throw new GenieError('GENIE_MCP_SERVER', `Two tools are called ${JSON.stringify(name)}: rename one of them.`);
    seen.add(name);
  }
}
