import type { McpServer } from '../server/create-mcp-server.ts';
import type { ServeHttpOptions } from './serve-http.ts';
import type { ServeStdioOptions } from './serve-on-stdio.ts';

export type { ServeStdioOptions };

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
  const http = options.http && (await openHttp(definition, options.http, onError));
  const stdio = options.stdio && (await openStdio(definition, options.stdio === true ? {} : options.stdio, onError));
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

/** Each way of serving is loaded when it is used: the time to the first answer is mostly loading. */
async function openHttp(definition: McpServer, http: ServeHttpOptions, onError: ServeMcpOptions['onError']) {
  const { serveHttp } = await import('./serve-http.ts');
  return serveHttp(definition, { ...(onError ? { onError } : {}), ...http });
}

async function openStdio(definition: McpServer, stdio: ServeStdioOptions, onError: ServeMcpOptions['onError']) {
  const { serveOnStdio } = await import('./serve-on-stdio.ts');
  return serveOnStdio(definition, stdio, onError);
}
