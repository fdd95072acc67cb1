import type { JsonObject } from '@genie/core';
import { describeThrown } from '@genie/core/errors';
import {
  type McpServerFactory,
  ProtocolError,
  McpServer as SdkServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { rpcCodes, rpcPart } from '../mcp-errors.ts';
import type { RequestBasics } from './answer-request.ts';
import type { McpServer } from './create-mcp-server.ts';
import {
  complete,
  getPrompt,
  listPrompts,
  listResources,
  listResourceTemplates,
  readResource,
} from './handle-documents.ts';
import { callTool, listTools } from './handle-tools.ts';
import { cancelTask, getTask, updateTask } from './tasks/handle-tasks.ts';
import { tasksExtension } from './tasks/tasks-extension.ts';

/** The SDK checks `Mcp-Param-*` headers against the schema it gets here. */
class DefinedServer extends SdkServer {
  #definition: McpServer;

  constructor(definition: McpServer) {
    super(
      {
        name: definition.name,
        version: definition.version,
        ...(definition.title === undefined ? {} : { title: definition.title }),
      },
      {
        capabilities: {
          tools: { listChanged: true },
          prompts: { listChanged: true },
          resources: { listChanged: true, subscribe: true },
          completions: {},
          logging: {},
          extensions: { [tasksExtension]: {} },
        },
        ...(definition.instructions === undefined ? {} : { instructions: definition.instructions }),
      },
    );
    this.#definition = definition;
  }

  override toolInputSchemaJson(name: string): Record<string, unknown> | undefined {
    const tool = this.#definition.tools().find((candidate) => candidate.name === name);
    return tool?.inputSchema as Record<string, unknown> | undefined;
  }
}

const anyParams = z.looseObject({});

/** One SDK server for one connection or, in the modern era over HTTP, for one request of a method that is known. */
export function buildSdkServer(definition: McpServer, era: 'modern' | 'legacy', method?: string): SdkServer {
  const sdk = new DefinedServer(definition);
  const { server } = sdk;
  const basics = (request: ServerContext): RequestBasics => ({ definition, sdk, era, request });
  // Results are plain objects of ours; the SDK checks their form where the protocol has one.
  const as = <Result>(value: JsonObject): Result => value as unknown as Result;
  server.setRequestHandler('tools/list', async ({ params }) => as(listTools(definition, params?.cursor)));
  server.setRequestHandler('resources/list', async ({ params }) => as(listResources(definition, params?.cursor)));
  server.setRequestHandler('resources/templates/list', async ({ params }) =>
    as(listResourceTemplates(definition, params?.cursor)),
  );
  server.setRequestHandler('prompts/list', async ({ params }) => as(listPrompts(definition, params?.cursor)));
  server.setRequestHandler('resources/read', async ({ params }, request) =>
    as(await readResource(basics(request), params.uri)),
  );
  server.setRequestHandler('prompts/get', async ({ params }, request) =>
    as(await onTheWire(() => getPrompt(basics(request), params as unknown as JsonObject))),
  );
  server.setRequestHandler('completion/complete', async ({ params }) =>
    as(await onTheWire(() => complete(definition, params as unknown as JsonObject))),
  );
  if (era === 'modern') addModernMethods(sdk, basics, method);
  else addLegacyMethods(sdk, definition, basics);
  return sdk;
}

/** The factory that the SDK's entries ask for. */
export function sdkFactory(definition: McpServer): McpServerFactory {
  // The header equals the method in the body: the entry compared them before it asks for a server.
  return ({ era, requestInfo }) => buildSdkServer(definition, era, requestInfo?.headers.get('mcp-method') ?? undefined);
}

function addModernMethods(
  { server }: SdkServer,
  basics: (request: ServerContext) => RequestBasics,
  onlyMethod: string | undefined,
): void {
  // The SDK's own handler accepts tool results only; without one the request comes here, and a task may be the result.
  server.removeRequestHandler('tools/call');
  // Where one request is served, unknown methods stay without a handler: the SDK answers those with HTTP 404.
  if (onlyMethod === undefined || onlyMethod === 'tools/call')
    server.fallbackRequestHandler = async ({ method, params }, request) => {
      if (method !== 'tools/call') throw new ProtocolError(rpcCodes.methodNotFound, `Method not found: ${method}`);
      return onTheWire(() => callTool(basics(request), params)) as Promise<Record<string, unknown>>;
    };
  const handlers = { 'tasks/get': getTask, 'tasks/update': updateTask, 'tasks/cancel': cancelTask };
  for (const [method, handle] of Object.entries(handlers)) {
    server.setRequestHandler(method, { params: anyParams }, (params, request) =>
      onTheWire(async () => handle(basics(request), params) as Record<string, unknown>),
    );
  }
}

function addLegacyMethods(
  sdk: SdkServer,
  definition: McpServer,
  basics: (request: ServerContext) => RequestBasics,
): void {
  const { server } = sdk;
  const watched = new Set<string>();
  server.setRequestHandler('tools/call', async ({ params }, request) => {
    const result = await onTheWire(() => callTool(basics(request), params));
    return result as never;
  });
  server.setRequestHandler('resources/subscribe', async ({ params }) => {
    watched.add(params.uri);
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', async ({ params }) => {
    watched.delete(params.uri);
    return {};
  });
  const stop = definition.onChange((change) => {
    const sent = tell(sdk, change, watched);
    sent?.catch(() => undefined);
  });
  const previous = server.onclose;
  server.onclose = () => {
    stop();
    previous?.();
  };
}

function tell(sdk: SdkServer, change: Parameters<Parameters<McpServer['onChange']>[0]>[0], watched: Set<string>) {
  const { server } = sdk;
  switch (change.kind) {
    case 'tools':
      return server.sendToolListChanged();
    case 'prompts':
      return server.sendPromptListChanged();
    case 'resources':
      return server.sendResourceListChanged();
    case 'resource':
      return watched.has(change.uri) ? server.sendResourceUpdated({ uri: change.uri }) : undefined;
    default:
      return change satisfies never;
  }
}

/** Gives the SDK errors in its own form. */
async function onTheWire<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const rpc = rpcPart(error);
    throw rpc ? new ProtocolError(rpc.code, describeThrown(error), rpc.data) : error;
  }
}
