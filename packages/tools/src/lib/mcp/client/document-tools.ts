import { defineTool, type Permission, type Tool } from '@genie/core';
import { z } from 'zod';
import { isRecord } from '../content.ts';
import { readResult, toolName } from './adapt-tool.ts';
import { cleanObject } from './clean-json.ts';
import type { OpenClient } from './open-client.ts';

export interface DocumentToolOptions {
  readonly server: string;
  readonly permissions: readonly Permission[];
  readonly timeoutMs: number;
  /** Runs a request that may be repeated. */
  readonly ask: <Value>(
    signal: AbortSignal,
    work: (open: OpenClient, options: { readonly signal: AbortSignal; readonly timeout: number }) => Promise<Value>,
  ) => Promise<Value>;
}

const maxListed = 500;

/** Resources and prompts of a server as tools, so that any model can reach them. */
export function documentTools(
  open: OpenClient,
  { server, permissions, timeoutMs, ask }: DocumentToolOptions,
): readonly Tool[] {
  const capabilities = open.client.getServerCapabilities() ?? {};
  const common = { effect: 'read', permissions, timeoutMs } as const;
  const tools: Tool[] = [];
  if (capabilities.resources)
    tools.push(
      defineTool({
        ...common,
        name: toolName(server, 'list_resources'),
        description: `Lists the documents that the server ${server} offers, with their addresses.`,
        input: z.strictObject({}),
        run: (_input, { signal }) =>
          ask(signal, async ({ client }, options) => {
            const { resources } = await client.listResources(undefined, options);
            return resources
              .slice(0, maxListed)
              .map(({ uri, name, description, mimeType }) => ({ uri, name, description, mimeType }));
          }),
      }) as Tool,
      defineTool({
        ...common,
        name: toolName(server, 'read_resource'),
        description: `Reads one document of the server ${server} by its address.`,
        input: z.strictObject({ uri: z.string().min(1) }),
        run: ({ uri }, { signal }) =>
          ask(signal, async ({ client }, options) => readContents(await client.readResource({ uri }, options))),
      }) as Tool,
    );
  if (capabilities.prompts)
    tools.push(
      defineTool({
        ...common,
        name: toolName(server, 'get_prompt'),
        description: `Fetches a prepared prompt of the server ${server}. Call without a name to see which there are.`,
        input: z.strictObject({ name: z.string().optional(), arguments: z.record(z.string(), z.string()).optional() }),
        run: ({ name, arguments: input }, { signal }) =>
          ask(signal, async ({ client }, options) => {
            if (name === undefined) return cleanObject(await client.listPrompts(undefined, options)).prompts;
            const prompt = cleanObject(await client.getPrompt({ name, arguments: input ?? {} }, options));
            return prompt.messages;
          }),
      }) as Tool,
    );
  return tools;
}

/** One text as a text; bytes stay base64 and say so. */
function readContents(result: unknown): unknown {
  const { contents } = cleanObject(result);
  const parts = Array.isArray(contents) ? contents.filter(isRecord) : [];
  if (parts.every((part) => typeof part.text === 'string'))
    return readResult('read_resource', { content: parts.map((part) => ({ type: 'text', text: part.text })) });
  return parts;
}
