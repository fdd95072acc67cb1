import type { JsonObject } from '@genie/core';
import { ResourceNotFoundError } from '@modelcontextprotocol/server';
import { isRecord, type McpResourceContent } from '../content.ts';
import { protocolError, rpcCodes } from '../mcp-errors.ts';
import { answerRequest, type RequestBasics } from './answer-request.ts';
import type { McpCallContext } from './call-context.ts';
import type { McpServer } from './create-mcp-server.ts';
import { type McpPrompt, type McpResource, type McpResourceTemplate, matchTemplate } from './mcp-resource.ts';
import { takePage } from './take-page.ts';

export function listResources(definition: McpServer, cursor: string | undefined): JsonObject {
  const { items, next } = takePage(definition.resources(), cursor);
  return { resources: items.map((item) => ({ uri: item.uri, ...described(item) })), ...next };
}

export function listResourceTemplates(definition: McpServer, cursor: string | undefined): JsonObject {
  const { items, next } = takePage(definition.resourceTemplates(), cursor);
  return { resourceTemplates: items.map((item) => ({ uriTemplate: item.uriTemplate, ...described(item) })), ...next };
}

export function listPrompts(definition: McpServer, cursor: string | undefined): JsonObject {
  const { items, next } = takePage(definition.prompts(), cursor);
  return { prompts: items.map(promptToWire), ...next };
}

function described({ name, title, description, mimeType }: McpResource | McpResourceTemplate): JsonObject {
  return { name, title, description, mimeType };
}

function promptToWire({ name, title, description, arguments: list }: McpPrompt): JsonObject {
  const args = list?.map((argument) => ({
    name: argument.name,
    description: argument.description,
    required: argument.required,
  }));
  return { name, title, description, arguments: args };
}

export async function readResource(basics: RequestBasics, uri: string): Promise<JsonObject> {
  const result = await answerRequest(basics, { uri }, async (context) => {
    const contents = await readContents(basics.definition, uri, context);
    if (!contents || contents.length === 0) throw new ResourceNotFoundError(uri);
    return { contents };
  });
  return result as unknown as JsonObject;
}

async function readContents(
  definition: McpServer,
  uri: string,
  context: McpCallContext,
): Promise<readonly McpResourceContent[] | undefined> {
  const fixed = definition.resources().find((resource) => resource.uri === uri);
  if (fixed) return fixed.read(context);
  for (const template of definition.resourceTemplates()) {
    const variables = matchTemplate(template.uriTemplate, uri);
    const contents = variables && (await template.read(uri, variables, context));
    if (contents) return contents;
  }
  return undefined;
}

export async function getPrompt(basics: RequestBasics, params: JsonObject): Promise<JsonObject> {
  const { name } = params;
  const prompt = basics.definition.prompts().find((candidate) => candidate.name === name);
  if (!prompt) throw protocolErrorFor(`There is no prompt ${JSON.stringify(name)}: see prompts/list.`);
  const input = textArguments(prompt, params.arguments);
  const result = await answerRequest(basics, { name, input }, async (context) => ({
    description: prompt.description,
    messages: await prompt.get(input, context),
  }));
  return result as unknown as JsonObject;
}

function textArguments(prompt: McpPrompt, value: unknown): Readonly<Record<string, string>> {
  const given = Object.entries(isRecord(value) ? value : {});
  const input = Object.fromEntries(given.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  for (const { name, required } of prompt.arguments ?? []) {
    if (required && !Object.hasOwn(input, name))
      throw protocolErrorFor(`The prompt ${prompt.name} needs the argument ${JSON.stringify(name)}.`);
  }
  return input;
}

/** Answers `completion/complete`: suggestions for an argument of a prompt or a variable of a template. */
export async function complete(definition: McpServer, params: JsonObject): Promise<JsonObject> {
  const { ref, argument } = params as unknown as {
    readonly ref: { readonly type: string; readonly name?: string; readonly uri?: string };
    readonly argument: { readonly name: string; readonly value: string };
  };
  const values = await suggestions(definition, ref, argument);
  return { completion: { values: values.slice(0, 100), total: values.length, hasMore: values.length > 100 } };
}

async function suggestions(
  definition: McpServer,
  ref: { readonly type: string; readonly name?: string; readonly uri?: string },
  { name, value }: { readonly name: string; readonly value: string },
): Promise<readonly string[]> {
  if (ref.type === 'ref/prompt') {
    const prompt = definition.prompts().find((candidate) => candidate.name === ref.name);
    if (!prompt) throw protocolErrorFor(`There is no prompt ${JSON.stringify(ref.name)}: see prompts/list.`);
    return (await prompt.arguments?.find((argument) => argument.name === name)?.complete?.(value)) ?? [];
  }
  const template = definition.resourceTemplates().find((candidate) => candidate.uriTemplate === ref.uri);
  if (!template) throw protocolErrorFor(`There is no resource template ${JSON.stringify(ref.uri)}.`);
  return (await template.complete?.(name, value)) ?? [];
}

function protocolErrorFor(message: string): Error {
  return protocolError(rpcCodes.invalidParams, message);
}
