import type { Readable, Writable } from 'node:stream';
import type { McpServer as SdkServer } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { buildSdkServer } from '../server/build-sdk-server.ts';
import type { McpServer } from '../server/create-mcp-server.ts';
import type { McpChange } from '../server/registry.ts';
import { type ServeHttpOptions, serveHttp } from './serve-http.ts';

export interface ServeStdioOptions {
  /** Where requests come from. Default: standard input of this process, which then belongs to the protocol. */
  readonly input?: Readable;
  readonly output?: Writable;
  /** Called when the client closed its end. */
  readonly onClose?: () => void;
}

export interface ServeMcpOptions {
  readonly stdio?: true | ServeStdioOptions;
  readonly http?: ServeHttpOptions;
  /** Failures that no client sees. */
  readonly onError?: (error: Error) => void;
}

export interface McpServing {
  /** Where HTTP is served. */
  readonly url: string | undefined;
  /** Open legacy sessions over HTTP. */
  readonly sessions: number;
  /** Ends the connections. The definition can be served again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Puts a server on stdio, on HTTP or on both, for clients of 2026-07-28 and of all revisions back to 2024-11-05.
 * Rejects with `GENIE_MCP_SERVE` when an address cannot be used.
 */
export async function serveMcp(definition: McpServer, options: ServeMcpOptions): Promise<McpServing> {
  const onError = options.onError;
  const http = options.http && (await serveHttp(definition, { ...(onError ? { onError } : {}), ...options.http }));
  const stdio = options.stdio && openStdio(definition, options.stdio === true ? {} : options.stdio, onError);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= Promise.all([http?.close(), stdio?.close()]).then(() => undefined);
    return closing;
  };
  return {
    url: http?.url,
    get sessions() {
      return http?.sessions ?? 0;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function openStdio(definition: McpServer, options: ServeStdioOptions, onError: ServeMcpOptions['onError']) {
  const transport = new StdioServerTransport(options.input, options.output, { maxBufferSize: 4 * 1024 * 1024 });
  const servers = new Set<SdkServer>();
  const stop = definition.onChange((change) => {
    for (const sdk of servers) tellModern(sdk, change);
  });
  const handle = serveStdio(
    ({ era }) => {
      const sdk = buildSdkServer(definition, era);
      if (era === 'modern') servers.add(sdk);
      return sdk;
    },
    { transport, ...(onError ? { onerror: onError } : {}) },
  );
  const owned = transport.onclose;
  transport.onclose = () => {
    owned?.();
    stop();
    servers.clear();
    options.onClose?.();
  };
  return handle;
}

/** Legacy servers tell their client themselves; the entry routes these to the subscriptions of a modern one. */
function tellModern({ server }: SdkServer, change: McpChange): void {
  const sent =
    change.kind === 'tools'
      ? server.sendToolListChanged()
      : change.kind === 'prompts'
        ? server.sendPromptListChanged()
        : change.kind === 'resources'
          ? server.sendResourceListChanged()
          : server.sendResourceUpdated({ uri: change.uri });
  sent.catch(() => undefined);
}
