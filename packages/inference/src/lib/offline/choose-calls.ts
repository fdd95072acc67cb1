import { createHash } from 'node:crypto';
import type { LanguageModelV4FunctionTool } from '@ai-sdk/provider';
import type { JsonObject, Source, SourceKind } from '@genie/core/ports';
import { canonicalJson } from '@genie/core/ports';
import type { JsonSchema } from '../json-schema.ts';
import { jsonBySchema } from './json-by-schema.ts';
import type { PastCall, ReadPrompt } from './read-prompt.ts';

/** A call to make, or why a source cannot be read. */
export type SourcePlan =
  | {
      readonly source: Source;
      readonly state: 'to-call';
      readonly tool: string;
      readonly input: JsonObject;
      readonly callId: string;
    }
  | { readonly source: Source; readonly state: 'called'; readonly call: PastCall }
  | { readonly source: Source; readonly state: 'unreadable'; readonly reason: string };

interface ReaderRule {
  /** Exact names first, then any tool whose name matches. */
  readonly names: readonly string[];
  readonly pattern: RegExp;
  /** Parameters that may take the location, best first. */
  readonly locationNames: readonly string[];
}

const readers: Readonly<Record<SourceKind, ReaderRule>> = {
  git: {
    names: ['git_log'],
    pattern: /git.*(?:log|history|commits)|read_git/,
    locationNames: ['repository', 'repo', 'path', 'directory', 'location'],
  },
  folder: {
    names: ['read_folder'],
    pattern: /(?:read|list|scan)_?(?:folder|directory|files|dir)/,
    locationNames: ['path', 'folder', 'directory', 'location'],
  },
  feed: { names: ['read_feed'], pattern: /feed|rss|atom/, locationNames: ['url', 'feed', 'location'] },
  web: {
    names: ['fetch_page'],
    pattern: /(?:fetch|read|get|open)_?(?:page|url|web)|web_?(?:fetch|read)/,
    locationNames: ['url', 'uri', 'address', 'location'],
  },
  mcp: {
    names: ['read_resource', 'mcp_read_resource'],
    pattern: /read.*resource|resource.*read/,
    locationNames: ['uri', 'resource', 'location', 'url'],
  },
};

/** Decides for every source: already called, to be called now with which tool and arguments, or not readable with these tools. */
export function planSources(
  sources: readonly Source[],
  prompt: ReadPrompt,
  tools: readonly LanguageModelV4FunctionTool[],
  newOnly = true,
): readonly SourcePlan[] {
  const taken = new Set<string>();
  return sources.map((source): SourcePlan => {
    const past = prompt.calls.find((call) => !taken.has(call.callId) && isCallFor(call, source));
    if (past) {
      taken.add(past.callId);
      return { source, state: 'called', call: past };
    }
    const tool = toolFor(source.kind, tools);
    if (!tool) return { source, state: 'unreadable', reason: `no tool that reads a ${source.kind} source is offered` };
    const input = inputFor(tool, source, newOnly ? prompt : { ...prompt, cursors: [] });
    return { source, state: 'to-call', tool: tool.name, input, callId: callIdOf(tool.name, input, prompt) };
  });
}

function toolFor(
  kind: SourceKind,
  tools: readonly LanguageModelV4FunctionTool[],
): LanguageModelV4FunctionTool | undefined {
  const rule = readers[kind];
  for (const name of rule.names) {
    const exact = tools.find((tool) => tool.name === name);
    if (exact) return exact;
  }
  return tools.find((tool) => rule.pattern.test(tool.name.toLowerCase()));
}

/** True when this tool reads sources of that kind. Used to match earlier calls to their sources. */
function isCallFor(call: PastCall, source: Source): boolean {
  const rule = readers[source.kind];
  if (!rule.names.includes(call.tool) && !rule.pattern.test(call.tool.toLowerCase())) return false;
  if (typeof call.input !== 'object' || call.input === null) return false;
  const values = Object.values(call.input);
  return (
    values.includes(source.location) || (source.kind === 'mcp' && values.includes(splitMcp(source.location).resource))
  );
}

function inputFor(tool: LanguageModelV4FunctionTool, source: Source, prompt: ReadPrompt): JsonObject {
  const schema = tool.inputSchema as JsonSchema;
  const properties = schema.properties ?? {};
  const has = (name: string) => Object.hasOwn(properties, name);
  const rule = readers[source.kind];
  const locationName = rule.locationNames.find(has) ?? rule.locationNames[0] ?? 'location';
  const input: Record<string, JsonObject[string]> = { [locationName]: source.location };
  if (source.kind === 'mcp' && has('server')) {
    const { server, resource } = splitMcp(source.location);
    input.server = server;
    input[locationName] = resource;
  }
  const cursor = prompt.cursors.find((one) => one.kind === source.kind && one.location === source.location)?.cursor;
  if (cursor !== undefined && has('since')) input.since = cursor;
  if (source.kind === 'git' && has('limit')) input.limit = 50;
  for (const name of schema.required ?? []) {
    const inner = properties[name];
    if (!(name in input) && inner !== undefined) input[name] = jsonBySchema(inner, () => undefined);
  }
  return input;
}

function splitMcp(location: string): { server: string; resource: string } {
  const cut = location.indexOf('/');
  return cut < 0
    ? { server: '', resource: location }
    : { server: location.slice(0, cut), resource: location.slice(cut + 1) };
}

/** A hash, so that the same prompt gives the same ids and two calls of one conversation never share one. */
export function callIdOf(tool: string, input: JsonObject, prompt: ReadPrompt): string {
  const text = canonicalJson([tool, input, prompt.calls.map((call) => call.callId), prompt.goal]);
  return `offline_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
