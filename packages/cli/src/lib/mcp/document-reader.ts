import { createHash } from 'node:crypto';
import { defineTool } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import type { JsonObject, Source, Tool, ToolContext } from '@genie/core/ports';
import type { McpConnection } from '@genie/tools/mcp';
import { z } from 'zod';

export interface DocumentReader {
  /** Reads one source of a server, for any model. */
  readonly tool: Tool;
  fingerprint(source: Source, signal: AbortSignal): Promise<string>;
}

const maxParts = 200;

const input = z.strictObject({
  server: z.string().min(1).describe('Name of the server.'),
  uri: z
    .string()
    .min(1)
    .describe('Address of the document, or tool:NAME?ARGUMENT=VALUE for what a reading tool answers.'),
  since: z.string().optional().describe('The cursor of the last reading: answers nothing when nothing changed.'),
});

/** Makes `mcp_read_resource`: documents of all servers of a genie through one tool, in the form of every other source. */
export function createDocumentReader(connectionOf: (server: string) => McpConnection | undefined): DocumentReader {
  const read = (server: string, uri: string, context: ToolContext): Promise<readonly string[]> => {
    const connection = connectionOf(server);
    if (!connection)
      throw new GenieError('GENIE_MCP_UNAVAILABLE', `The MCP server ${JSON.stringify(server)} is not connected.`);
    return uri.startsWith('tool:') ? readByTool(connection, uri, context) : readDocument(connection, uri, context);
  };
  const tool = defineTool({
    name: 'mcp_read_resource',
    description: 'Reads a document of an MCP server.',
    effect: 'read',
    input,
    async run({ server, uri, since }, context) {
      const texts = await read(server, uri, context);
      const cursor = hash(texts);
      const location = `${server}/${uri}`;
      const source = { kind: 'mcp', location };
      if (since === cursor) return { source, cursor, items: [] };
      const parts = texts.flatMap(partsOf);
      const items = parts
        .slice(0, maxParts)
        .map((text) => ({ id: hash([location, text]), title: titleOf(text), text, location }));
      return { source, cursor, items, ...(parts.length > maxParts ? { truncated: true } : {}) };
    },
  });
  return {
    tool: tool as Tool,
    async fingerprint({ location }, signal) {
      const { server, uri } = splitLocation(location);
      return hash(await read(server, uri, contextFor(signal)));
    },
  };
}

/** `server/address`, as sources name it. */
export function splitLocation(location: string): { readonly server: string; readonly uri: string } {
  const cut = location.indexOf('/');
  return { server: location.slice(0, Math.max(0, cut)), uri: location.slice(cut + 1) };
}

async function readDocument(connection: McpConnection, uri: string, context: ToolContext): Promise<readonly string[]> {
  const tool = connection.get(`${connection.name}__read_resource`);
  if (!tool)
    throw new GenieError(
      'GENIE_MCP_UNAVAILABLE',
      `The MCP server ${connection.name} has no documents, only tools: use tool:NAME.`,
    );
  return textsOf(await tool.run({ uri }, context));
}

/** What a reading tool answers counts as a document: most servers have tools only. */
async function readByTool(connection: McpConnection, uri: string, context: ToolContext): Promise<readonly string[]> {
  const { pathname, searchParams } = new URL(uri);
  const tool = connection.get(`${connection.name}__${pathname}`);
  if (tool?.effect !== 'read')
    throw new GenieError(
      'GENIE_MCP_UNAVAILABLE',
      `${connection.name} has no tool ${JSON.stringify(pathname)} that says it only reads, so it cannot be a source.`,
    );
  const checked = await tool.input['~standard'].validate(typedArguments(searchParams, tool.inputJsonSchema));
  if (checked.issues)
    throw new GenieError('GENIE_TOOL_INPUT', `${uri}: ${checked.issues.map(({ message }) => message).join('; ')}`);
  return textsOf(await tool.run(checked.value, context));
}

function typedArguments(values: URLSearchParams, schema: JsonObject): Record<string, unknown> {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, { readonly type?: unknown }>>;
  const names = [...new Set(values.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const type = Object.hasOwn(properties, name) ? properties[name]?.type : undefined;
      const all = values.getAll(name);
      if (type === 'array') return [name, all];
      const text = all[0] ?? '';
      if (type === 'number' || type === 'integer') return [name, Number(text)];
      return [name, type === 'boolean' ? text === 'true' : text];
    }),
  );
}

/** Text as it is, everything else as JSON; a base64 body says nothing to a reader. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value !== 'object' || value === null) return [String(value)];
  if ('text' in value && typeof value.text === 'string') return [value.text];
  if ('blob' in value || 'data' in value) return [];
  const [only, ...rest] = Object.values(value);
  return rest.length === 0 && typeof only === 'string' ? [only] : [JSON.stringify(value, undefined, 2)];
}

/** Sections under their headings, else paragraphs: a reader sees what changed in a document, not only that something did. */
function partsOf(text: string): readonly string[] {
  const sections = text.split(/^(?=#{1,6} )/m);
  const parts = (sections.length > 1 ? sections : text.split(/\n\s*\n/)).map((part) => part.trim());
  // A heading with nothing under it says little.
  const full = parts.filter((part) => part !== '' && !/^#{1,6} [^\n]*$/.test(part));
  return full.length > 0 ? full : parts.filter((part) => part !== '');
}

/** The first line, without what Markdown puts before it. */
function titleOf(text: string): string {
  const line = text.split('\n').find((one) => !/^#{1,6} /.test(one)) ?? text;
  return line
    .replace(/^\s*(?:[-*>]|\d+\.)\s+/, '')
    .slice(0, 200)
    .trim();
}

function hash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** The wake gate reads outside of a run. */
function contextFor(signal: AbortSignal): ToolContext {
  return {
    runId: 'gate',
    callId: 'gate',
    genieId: 'gate',
    tool: 'wake gate',
    signal,
    fetch: () =>
      Promise.reject(new GenieError('GENIE_EGRESS_DENIED', 'The wake gate leaves through the connection only.')),
    progress: () => undefined,
  };
}
