import { type ConnectMcpOptions, resolveConnectOptions } from './connect-options.ts';
import type { McpConnection } from './mcp-connection.ts';

export type { McpConnection };

/**
 * Connects to an MCP server, whatever revision it speaks. Rejects with `GENIE_OPTIONS_INVALID`, `GENIE_MCP_UNREACHABLE`
 * and what the way out refuses (`GENIE_EGRESS_DENIED`). Calls fail with `GENIE_MCP_TIMEOUT`, `GENIE_MCP_UNAVAILABLE`
 * (the breaker is open), `GENIE_MCP_CONNECTION` (lost on the way; whether it happened is unknown),
 * `GENIE_MCP_TOOL_FAILED`, `GENIE_MCP_RESULT` and `GENIE_MCP_TOOL_CHANGED`.
 */
export async function connectMcp(input: ConnectMcpOptions): Promise<McpConnection> {
  const options = resolveConnectOptions(input);
  // A process that only serves never loads the client.
  const { createConnection } = await import('./connection.ts');
  const connection = createConnection(options);
  const abort = (): void => void connection.close();
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    options.signal?.throwIfAborted();
    await connection.open();
  } catch (error) {
    await connection.close();
    throw error;
  }
  return connection;
}
