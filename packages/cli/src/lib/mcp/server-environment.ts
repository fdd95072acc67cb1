import { GenieError } from '@genie/core/errors';
import type { Environment } from '@genie/inference';
import type { McpServerSettings } from './mcp-settings.ts';

/**
 * The environment of a server's program: what `genie.json` refers to, taken from the environment of the genie. Throws
 * `GENIE_MCP_ENVIRONMENT` that names what is not set.
 */
export function serverEnvironment(
  server: string,
  { env, set }: Pick<McpServerSettings, 'env' | 'set'>,
  environment: Environment,
): Readonly<Record<string, string>> {
  const referred = Object.entries(env).map(([name, from]) => [name, referenced(server, from, environment)] as const);
  return { ...set, ...Object.fromEntries(referred) };
}

/** The value of one variable. Throws `GENIE_MCP_ENVIRONMENT`. */
export function referenced(server: string, name: string, environment: Environment): string {
  const value = environment[name];
  if (value !== undefined && value !== '') return value;
  throw new GenieError(
    'GENIE_MCP_ENVIRONMENT',
    `The MCP server ${server} needs the environment variable ${name}, which is not set: set it where the genie runs.`,
  );
}
