import type { ServeHttpOptions } from '../serve/serve-http.ts';
import { type McpServing, serveMcp } from '../serve/serve-mcp.ts';
import { createGenieMcpServer, type GenieMcpServerOptions } from './create-genie-mcp-server.ts';

export interface RunMcpServeOptions extends GenieMcpServerOptions {
  /** Where to serve. With stdio the process ends its serving when the client closes its end. */
  readonly serve: 'stdio' | ServeHttpOptions;
  readonly onError?: (error: Error) => void;
}

export interface RunningMcpServe extends McpServing {
  /** Resolves when serving ended: the client left (stdio) or `close` was called. */
  readonly ended: Promise<void>;
}

/** The command `genie mcp serve` without its command line. Rejects with `GENIE_MCP_SERVE`. */
export async function runMcpServe(options: RunMcpServeOptions): Promise<RunningMcpServe> {
  const server = createGenieMcpServer(options);
  const end = Promise.withResolvers<void>();
  const onError = options.onError ? { onError: options.onError } : {};
  const serving = await serveMcp(server, {
    ...onError,
    ...(options.serve === 'stdio' ? { stdio: { onClose: () => end.resolve() } } : { http: options.serve }),
  });
  const close = async (): Promise<void> => {
    await serving.close();
    await server.close();
    end.resolve();
  };
  return {
    url: serving.url,
    get sessions() {
      return serving.sessions;
    },
    ended: end.promise,
    close,
    [Symbol.asyncDispose]: close,
  };
}
