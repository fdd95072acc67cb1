import type { McpSandbox, McpSandboxOptions } from './prepare-mcp-sandbox.ts';

export type { McpSandbox, McpSandboxOptions };

/**
 * A sandbox for the program of an MCP server, which runs as long as its connection: its own file system, processes and
 * network, the host's programs read only, and a system-call filter. When it ends, everything it started is gone, however it
 * was started. Never falls back to running unconfined: rejects with `GENIE_SANDBOX_UNAVAILABLE` and `GENIE_OPTIONS_INVALID`.
 */
export async function openMcpSandbox(options: McpSandboxOptions): Promise<McpSandbox> {
  // A process that only serves never loads the sandbox.
  const { prepareMcpSandbox } = await import('./prepare-mcp-sandbox.ts');
  return prepareMcpSandbox(options);
}
